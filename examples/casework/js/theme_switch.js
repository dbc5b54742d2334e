// The button that switches between light and dark, and keeps the choice.

const KEPT = 'casework.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

export function themeSwitch(button) {
	const root = document.documentElement;
	const isDark = () => (root.dataset.theme ?? (dark.matches ? 'dark' : 'light')) === 'dark';
	const show = () => {
		button.setAttribute('aria-pressed', String(isDark()));
		button.title = isDark() ? 'Light colours' : 'Dark colours';
	};
	button.addEventListener('click', () => {
		root.dataset.theme = isDark() ? 'light' : 'dark';
		localStorage.setItem(KEPT, root.dataset.theme);
		show();
	});
	dark.addEventListener('change', show);
	show();
}
