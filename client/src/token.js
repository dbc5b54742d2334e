// When to ask for the next token. The payload of a JWT is read for its `exp` only; nothing is verified here.

const EARLY = 0.8; // of a token's life
const LONGEST = 2 ** 31 - 1; // timers of browsers overflow beyond

/** Milliseconds from `now` until a token should be replaced; null when it does not say when it ends. */
export function refreshDelay(token, now) {
	const end = expiry(token);
	if (end === null) {
		return null;
	}
	return Math.min(LONGEST, Math.max(1_000, Math.round((end - now) * EARLY)));
}

/** End of a JWT's life in milliseconds since 1970, or null. */
export function expiry(token) {
	const payload = typeof token === 'string' ? token.split('.')[1] : undefined;
	if (payload === undefined) {
		return null;
	}
	try {
		const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
		return typeof exp === 'number' ? exp * 1000 : null;
	} catch {
		return null; // not a JWT: an opaque token is as good
	}
}
