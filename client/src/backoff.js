/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first after a loss): exponential with full jitter
 * over a floor, so that thousands of clients which lost the same server do not come back in step. What the server asked
 * for (`retryAfter`) is the minimum, and the jitter comes on top, because the server told everybody the same.
 */
export function backoff(attempt, { floor, base, max, random }, retryAfter = 0) {
	const ceiling = Math.min(max, base * 2 ** Math.min(attempt, 30));
	return Math.round(retryAfter + floor + random() * Math.max(0, ceiling - floor));
}
