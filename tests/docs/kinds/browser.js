// Scripts and documents in headless Chromium, on a page that the bridge serves. All scripts of a page of the docs share one
// scope, as in a browser's console: what one declares, the next can use.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../harness/wait.js';

const CLIENT = '/client/lockstep.js';

/** A browser tab with its console. */
class Tab {
	lines = [];
	problems = [];

	static async open(scene, path) {
		const tab = new Tab();
		tab.page = await scene.newBrowserPage();
		tab.page.on('console', (message) => {
			// The browser's own remarks, about a missing favicon for one, are not the script's.
			if (!message.text().startsWith('Failed to load resource')) {
				tab.lines.push(...message.text().split('\n'));
			}
		});
		tab.page.on('pageerror', (error) => tab.problems.push(String(error.stack ?? error)));
		tab.page.on('dialog', (dialog) => {
			tab.lines.push(dialog.message());
			dialog.accept();
		});
		await tab.page.addInitScript({ content: `(${printValues})()` });
		await tab.page.goto(`http://127.0.0.1:${scene.port}${path}`);
		tab.console = await tab.page.context().newCDPSession(tab.page);
		return tab;
	}

	/** Evaluates as a browser's console does; resolves with the error's text, or undefined. */
	async evaluate(expression) {
		const { exceptionDetails } = await this.console.send('Runtime.evaluate', { expression, replMode: true, awaitPromise: true });
		const thrown = exceptionDetails?.exception;
		return exceptionDetails && (thrown?.description ?? String(thrown?.value ?? exceptionDetails.text)).split('\n')[0];
	}

	close() {
		return this.page.context().close();
	}
}

// Runs in the page: console.log prints values as a browser's console shows them.
function printValues() {
	const show = (value, top) => {
		if (typeof value === 'string') return top ? value : `'${value}'`;
		if (typeof value === 'bigint') return `${value}n`;
		if (value instanceof Error) return `${value.name}: ${value.message}`;
		if (Array.isArray(value)) return `[${value.map((item) => show(item)).join(', ')}]`;
		if (value instanceof Map) return `Map(${value.size}) {${[...value].map(([k, v]) => `${show(k)} => ${show(v)}`).join(', ')}}`;
		if (typeof value === 'object' && value !== null) {
			const members = Object.entries(value).map(([name, member]) => `${name}: ${show(member)}`).join(', ');
			const type = Object.getPrototypeOf(value)?.constructor?.name;
			return type === undefined || type === 'Object' ? `{${members}}` : `${type} {${members}}`;
		}
		return String(value);
	};
	const print = console.log.bind(console);
	console.log = (...values) => print(values.map((value) => show(value, true)).join(' '));
}

/** Modules' imports, as a console wants them. */
function withoutImports(text) {
	return text.replaceAll(/^import\s+(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+(['"])([^'"]+)\2;?/gm, (_, names, quote, from) => {
		const source = from.endsWith('lockstep.js') ? CLIENT : from;
		const binding = names.startsWith('*') ? names.replace(/\*\s+as\s+/, '') : names.replaceAll(/\s+as\s+/g, ': ');
		return `const ${binding} = await import('${source}');`;
	});
}

function tabOf(scene, as) {
	return scene.keep(`browser ${as}`, () => Tab.open(scene, '/'));
}

function outcome(tab, begin, thrown) {
	const unexpected = tab.problems.splice(0);
	return {
		lasting: true,
		output: () => [...tab.lines.slice(begin), ...(thrown === undefined ? [] : [thrown])].join('\n'),
		problem: thrown ?? unexpected[0],
		seen: () => (begin = tab.lines.length),
	};
}

/** `as`: another person's browser. */
export async function browserScript(scene, { text, as = 'reader' }) {
	const tab = await tabOf(scene, as);
	const begin = tab.lines.length;
	return outcome(tab, begin, await tab.evaluate(withoutImports(scene.real(text))));
}

/** An HTML page; scripts that follow run in it. */
export async function document(scene, { text, line, as = 'reader' }) {
	await writeFile(join(scene.www, `example-${line}.html`), scene.real(text));
	await scene.drop(`browser ${as}`);
	const tab = await scene.keep(`browser ${as}`, () => Tab.open(scene, `/example-${line}.html`));
	return outcome(tab, 0);
}

/** Waits until an expression holds in the page. */
browserScript.expect = async (scene, text) => {
	const tab = await tabOf(scene, 'reader');
	let value;
	await until(`${text} holds`, async () => {
		const { result, exceptionDetails } = await tab.console.send('Runtime.evaluate', {
			expression: text,
			replMode: true,
			awaitPromise: true,
			returnByValue: true,
		});
		value = exceptionDetails ? (exceptionDetails.exception?.description ?? exceptionDetails.text) : result.value;
		return value === true;
	}, scene.patience).catch((error) => {
		throw new Error(`${error.message} (it is ${JSON.stringify(value)}; the console says: ${tab.lines.slice(-5).join(' | ')})`);
	});
};
