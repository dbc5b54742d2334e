// Reads and checks a CSV beside the page, which stays usable however long the file is. A classic worker, because the
// parser is a classic script.
//
//   ← {file, taken}     → {progress: {stage, done, total}} …, {rows, lines} …, {result: {bad, problem, encoding}}
//   ← {list: true}      → {csv: the bad lines as a file}

/* global importScripts, Papa */
importScripts('../node_modules/papaparse/papaparse.min.js');

const CHUNK = 2000; // records per message: taking one must not stop the page
const LISTED = 200; // bad lines that are shown one by one

let problems = null; // makes the file of the bad lines

self.onmessage = async ({ data }) => {
	try {
		if (data.list) {
			self.postMessage({ csv: problems() });
		} else {
			await check(data);
		}
	} catch (error) {
		self.postMessage({ failure: error.message });
	}
};

async function check({ file, taken }) {
	const { decode, problemsFile, readRegistrations } = await import('./csv.js');
	self.postMessage({ progress: { stage: 'Reading the file', done: 0, total: 0 } });
	const { text, encoding } = decode(await file.arrayBuffer());
	const report = ({ done, total }) => self.postMessage({ progress: { stage: 'Checking the records', done, total } });
	const { rows, lines, bad, header, problem } = readRegistrations(Papa, text, new Set(taken), report);
	problems = () => problemsFile(Papa, { bad, header });
	for (let n = 0; n < rows.length; n += CHUNK) {
		self.postMessage({ rows: rows.slice(n, n + CHUNK), lines: lines.slice(n, n + CHUNK) });
	}
	const listed = bad.slice(0, LISTED).map(({ line, cells, reasons }) => ({ line, text: cells.join(', ').slice(0, 300), reasons }));
	self.postMessage({ result: { bad: bad.length, listed, problem, encoding } });
}
