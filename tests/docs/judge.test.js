// Who judges must be able to condemn: pages with mistakes, each of which must be found.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parsePage } from './markdown.js';
import { mismatch } from './match.js';
import { difference, parseLoose, render } from './loose_json.js';
import { DocsStand } from './stand.js';
import { steps } from './story.js';

const fence = (kind, text) => `\`\`\`${kind}\n${text}\n\`\`\`\n`;

describe('what is wrong with a page is found without running it', () => {
	const problemsOf = (text) =>
		Promise.all(steps(parsePage(text)).filter(({ skip }) => skip === undefined).map(({ run }) => run({}).then(() => null, (error) => error.message)));

	test('a block of an unknown kind', async () => {
		assert.match((await problemsOf(fence('cobol', 'STOP RUN.'))).join(), /no example is of the kind "cobol"/);
	});
	test('a plain block that is nobody’s output', async () => {
		assert.match((await problemsOf(fence('', 'hello'))).join(), /follows no example/);
	});
	test('output of a block that is not run', async () => {
		assert.match((await problemsOf(`<!-- not run: no -->\n${fence('sql', 'SELECT 1;')}${fence('', '1')}`)).join(), /follows no example/);
	});
	test('a misspelt directive', async () => {
		assert.match((await problemsOf('<!-- norun: because -->')).join(), /no directive/);
	});
	test('a block that is not run without a reason', async () => {
		assert.match((await problemsOf(`<!-- not run: -->\n${fence('sql', 'SELECT 1;')}`)).join(), /no directive/);
	});
	test('a directive that no block follows', async () => {
		assert.match((await problemsOf('<!-- as bob -->\nNothing follows.\n')).join(), /does not come/);
	});
	test('a reason is passed on', () => {
		assert.equal(steps(parsePage(`<!-- not run: needs\na moon -->\n${fence('sh', 'true')}`))[0].skip, 'needs a moon');
	});
	test('an indented block counts, a paragraph of a list does not', () => {
		const { items } = parsePage('Type\n\n    make love\n\n- item\n\n    still the item\n\nThe end.\n\n    make war\n');
		assert.deepEqual(items.map(({ text }) => text), ['make love', 'make war']);
	});
});

describe('output', () => {
	const same = (expected, actual) => mismatch(expected, actual) === null;
	test('is compared line by line', () => {
		assert.ok(same(' a | b\n---+---\n 1 | 2', ' a   |  b \n-----+----\n   1 |  2 \n'));
		assert.ok(!same(' a | b\n---+---\n 1 | 2', ' a | b \n---+---\n 1 | 3 \n'));
		assert.ok(!same('one', 'one\ntwo'));
		assert.ok(!same('one\ntwo', 'one'));
	});
	test('… is anything in a line, and any lines alone', () => {
		assert.ok(same('at 12:… o’clock', 'at 12:30 o’clock'));
		assert.ok(!same('at 12:… o’clock', 'at 13:30 o’clock'));
		assert.ok(!same('a …', 'a \nb'));
		assert.ok(same('first\n…\nlast', 'first\nsecond\nthird\nlast'));
	});
	test('tags are all there or not at all', () => {
		assert.ok(same('1', 'INSERT 0 1\n1'));
		assert.ok(!same('INSERT 0 1\n1', 'INSERT 0 1\nINSERT 0 1\n1'));
		assert.ok(!same('UPDATE 0', 'UPDATE 1'));
	});
	test('a DETAIL may be wrapped', () => {
		assert.ok(same('ERROR:  no\nDETAIL:  {"a": 1,\n          "b": 2}', 'ERROR:  no\nDETAIL:  {"a": 1, "b": 2}'));
		assert.ok(!same('ERROR:  no\nDETAIL:  {"a": 1,\n          "b": 3}', 'ERROR:  no\nDETAIL:  {"a": 1, "b": 2}'));
	});
});

describe('messages', () => {
	const compare = (expected, actual, names = new Map()) => difference(parseLoose(expected).value, parseLoose(actual).value, names);
	test('have all members that are stated, and no others', () => {
		assert.equal(compare('{"a":1,"b":…}', '{"b":[2],"a":1}'), null);
		assert.match(compare('{"a":1,"b":2}', '{"a":1}'), /has no "b"/);
		assert.match(compare('{"a":1}', '{"a":1,"b":2}'), /also has "b"/);
		assert.equal(compare('{"a":1,…}', '{"a":1,"b":2}'), null);
		assert.match(compare('{"a":[1,{"x":2}]}', '{"a":[1,{"x":3}]}'), /\.a\[1\]\.x is 3, not 2/);
		assert.match(compare('{"a":12345678901234567890}', '{"a":12345678901234567891}'), /is/);
	});
	test('a name is the same value everywhere', () => {
		const names = new Map();
		assert.equal(compare('{"p":"<P>"}', '{"p":"one"}', names), null);
		assert.match(compare('{"p":"<P>"}', '{"p":"two"}', names), /not "one"/);
		assert.equal(render(parseLoose('{"since":"<P>","n":1.50}').value, names), '{"since":"one","n":1.50}');
	});
});

describe('examples that do not do what the page says', () => {
	let stand;
	before(async () => (stand = await DocsStand.start()));
	after(() => stand?.stop());

	const setting = `<!-- run sql
CREATE EXTENSION lockstep;
CREATE TABLE orders (id bigint PRIMARY KEY, status text);
SELECT lockstep.track('orders');
CREATE ROLE shop_bridge LOGIN;
GRANT lockstep_bridge TO shop_bridge;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO shop_bridge;
-->
<!-- run bridge -->
`;
	const live = fence(
		'js',
		`import { connect } from './lockstep.js'
const db = connect('ws://127.0.0.1:8420/v1/socket')
const orders = await db.table('public.orders').live().ready(5000)
console.log({ size: orders.rows.size })`,
	);
	const hello = fence('protocol', '→ {"type":"hello","id":1}\n← {"type":"welcome","id":1,…}');

	/** What a page's steps say: null where they pass. */
	async function play(text) {
		const scene = await stand.scene('judged');
		const said = [];
		try {
			for (const step of steps(parsePage(text))) {
				said.push(await step.run(scene).then(() => null, (error) => error.message));
			}
		} finally {
			await scene.close();
		}
		return said;
	}

	test('sql', async () => {
		const said = await play(
			fence('sql', 'SELECT 1 AS one;') + fence('', ' one\n-----\n   2') + fence('sql', 'SELEC 1;') + fence('sql', 'SELECT 1') + '<!-- expect sql: SELECT true -->\n',
		);
		assert.equal(said[0], null);
		assert.match(said[1], /expected[^]*2[^]*but it is/);
		assert.match(said[2], /syntax error/);
		assert.match(said[3], /wait for the end/);
		assert.equal(said[4], null);
	});
	test('commands', async () => {
		const said = await play(
			fence('sh', 'psql -Atc "SELECT current_database()"') + fence('', 'shop') + fence('sh', 'false') + fence('sh', 'apt-get install love') + fence('sh', 'make love') + fence('sh', 'make test') +
				fence('sh', 'lockstep-bridge --db dbname=shop --no-such-flag'),
		);
		assert.deepEqual(said.map((one) => one === null), [true, true, false, false, false, true, false]);
		assert.match(said[3], /not for tests/);
		assert.match(said[6], /unknown option/);
	});
	test('files', async () => {
		const said = await play(
			fence('conf', "shared_preload_libraries = 'lockstep'\nlockstep.max_databases = 10") + fence('conf', 'lockstep.max_datebases = 10') + fence('conf', 'max_connections = many') +
				fence('hba', 'host shop shop_bridge 127.0.0.1/32 scram-sha-256') + fence('hba', 'host shop shop_bridge 127.0.0.1/32 scram') +
				fence('ini', '[Service]\nExecStart=/usr/local/bin/lockstep-bridge --confg /etc/lockstep/bridge.json'),
		);
		assert.deepEqual(said.map((one) => one === null), [true, false, false, true, false, false]);
	});
	test('programs and signatures', async () => {
		const said = await play(
			'<!-- run sql: CREATE EXTENSION lockstep; -->\n' +
				fence('ts', "import { connect } from './lockstep.js'\nconnect('/v1/socket').close()") + fence('ts', "import { connect } from './lockstep.js'\nconnect('/v1/socket').stop()") +
				'<!-- run as node -->\n' + fence('js', "console.log(typeof (await import('./lockstep.js')).connect)") + fence('', 'function') +
				'<!-- run as node -->\n' + fence('js', "import './nothing.js'") +
				'<!-- run as signature -->\n' + fence('', 'lockstep.image(record) → jsonb') + '<!-- run as signature -->\n' + fence('', 'lockstep.image(record) → json') +
				'<!-- run as config -->\n' + fence('json', '{"db": "dbname=shop", "max_quue_bytes": 1}'),
		);
		assert.deepEqual(said.map((one) => one === null), [true, true, false, true, true, false, true, false, false]);
		assert.match(said[2], /Property 'stop' does not exist/);
		assert.match(said[8], /unknown setting "max_quue_bytes"/);
	});
	test('scripts and messages', async () => {
		const said = await play(`${setting}${live}${fence('', '{size: 0}')}
<!-- run sql: INSERT INTO orders VALUES (1); -->
<!-- expect: orders.rows.size === 1 -->
${hello}`);
		assert.deepEqual(said.filter((one) => one !== null), []);

		stand.patience = 300; // what follows never comes
		const wrong = await play(
			setting + live + fence('', '{size: 1}') + '<!-- expect: orders.rows.size === 1 -->\n' + fence('js', 'orders.nonsense()') +
				hello + fence('protocol', '→ {"type":"ping","id":2}\n← {"type":"pong","id":3}') + fence('protocol', '← {"type":"pong"}') + fence('protocol', '← close 1000'),
		);
		assert.deepEqual(wrong.map((one) => one === null), [true, true, true, false, false, false, true, false, false, false]);
		assert.match(wrong[3], /expected[^]*1[^]*but it is[^]*0/);
		assert.match(wrong[4], /it is false/);
		assert.match(wrong[5], /nonsense/);
		assert.match(wrong[7], /id is 2, not 3/);
		assert.match(wrong[8], /waited in vain/);
		assert.match(wrong[9], /it is open/);
	});
});
