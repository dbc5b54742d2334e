// The page's life as connection events. Outside a browser there is nothing to watch.

/** Calls `dispatch` with visible/hidden/online/offline events; returns what stops it. */
export function watchPage(world, dispatch) {
	const removers = [];
	const listen = (target, name, handler) => {
		target.addEventListener(name, handler);
		removers.push(() => target.removeEventListener(name, handler));
	};
	const { document, window } = world;
	if (typeof document?.addEventListener === 'function') {
		const told = () => dispatch({ type: document.visibilityState === 'hidden' ? 'hidden' : 'visible' });
		listen(document, 'visibilitychange', told);
		if (document.visibilityState === 'hidden') {
			told();
		}
	}
	if (typeof window?.addEventListener === 'function') {
		listen(window, 'online', () => dispatch({ type: 'online' }));
		listen(window, 'offline', () => dispatch({ type: 'offline' }));
		listen(window, 'pageshow', (event) => event.persisted && dispatch({ type: 'visible' })); // back from the cache
	}
	return () => removers.forEach((remove) => remove());
}
