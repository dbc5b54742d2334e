// Ties a plot to the figures that it shows.

import { createHash } from 'node:crypto';

/** What a plot says of its origin; another measurement has another text. */
export function drawnFrom(path, figures) {
	return `${path} ${createHash('sha256').update(JSON.stringify(figures)).digest('hex').slice(0, 16)}`;
}
