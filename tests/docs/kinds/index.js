// What a code block can be. A kind is (scene, {text, as, args, line, hidden}) → outcome or nothing; an outcome has
// output(): what a reader would see; problem: why it failed, if it did; lasting: more output may come; seen(): the output was checked.
// `kind.expect(scene, text)` waits until something is true.

import { bridge, bridgeSettings, hostBased, serverSettings, unit } from './config.js';
import { browserScript, document } from './browser.js';
import { nodeScript, typeScript } from './node.js';
import { protocol } from './protocol.js';
import { shell } from './shell.js';
import { signature } from './signature.js';
import { sql } from './sql.js';

export const kinds = {
	sql,
	sh: shell,
	bash: shell,
	js: browserScript,
	html: document,
	node: nodeScript,
	ts: typeScript,
	protocol,
	signature,
	bridge,
	config: bridgeSettings,
	conf: serverSettings,
	hba: hostBased,
	ini: unit,
};
