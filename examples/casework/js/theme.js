// Light or dark, before anything is drawn: a classic script in the head. The choice is kept; without one, the system's
// setting holds. theme_switch.js changes it.

(() => {
	const chosen = localStorage.getItem('casework.theme');
	if (chosen === 'light' || chosen === 'dark') {
		document.documentElement.dataset.theme = chosen;
	}
})();
