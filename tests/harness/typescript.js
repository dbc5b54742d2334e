// The TypeScript compiler among the tests' packages.

import { join } from 'node:path';
import { ROOT } from './cluster.js';

/** Arguments for node: the compiler, told to check only, strictly, for a browser. */
export const TSC = [
	join(ROOT, 'tests/node_modules/typescript/bin/tsc'),
	...'--noEmit --strict --target es2022 --module nodenext --lib es2022,dom'.split(' '),
];
