// The types in lockstep.d.ts fit the programs in types.test-d.ts, and refuse what these say is wrong.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TSC } from '../../tests/harness/typescript.js';

test('the TypeScript compiler takes types.test-d.ts', () => {
	const { status, stdout, stderr } = spawnSync(process.execPath, [...TSC, fileURLToPath(new URL('types.test-d.ts', import.meta.url))], { encoding: 'utf8' });
	assert.equal(status, 0, stdout + stderr);
});
