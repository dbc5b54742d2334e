// Runs in the page: random streams of changes against the list's index and page, judged by sorting everything anew.
// Returns what was done, or throws with the step that went wrong.

export async function randomList({ seed, steps }) {
	const { RecordIndex, noView } = await import('/js/record_index.js');
	const { PAGE_SIZE, Page } = await import('/js/page.js');
	const { FIELDS, STATUSES, edited, fieldNamed, sortKey } = await import('/js/fields.js');
	let state = seed >>> 0;
	const random = (below) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) % below;
	};
	const pick = (list) => list[random(list.length)];
	const rows = new Map();
	let lastId = 0;
	const NAMES = ['Adler', 'adler', 'Ångström', 'Zoë', 'Weiß', 'R-2', 'R-10', 'R-9', ''];
	const fresh = (id) => ({
		id, reference: `${pick(NAMES)}${random(40)}`, applicant: pick(NAMES), email: null, category: pick(['event', 'company']), submitted: `2026-0${1 + random(9)}-11`,
		amount: random(4) === 0 ? null : random(50) / 2, status: pick(STATUSES), assigned_to: pick([null, 'alice', 'bob']), note: null, row_version: 1,
	});
	let view = noView;
	const listed = () => {
		const words = view.search.toLowerCase().split(/\s+/).filter((word) => word !== '');
		const text = (row) => FIELDS.map((field) => edited(field, row[field.name])).join('\n').toLowerCase();
		return [...rows.values()].filter((row) => words.every((word) => text(row).includes(word)));
	};
	const order = () => {
		const field = fieldNamed(view.sort);
		const side = view.descending ? -1 : 1;
		return listed()
			.filter((row) => view.status === 'all' || row.status === view.status)
			.sort((a, b) => {
				const [x, y] = [sortKey(field, a[field.name]), sortKey(field, b[field.name])];
				if (x !== y) {
					return x === null ? 1 : y === null ? -1 : x < y ? -side : side;
				}
				return a.id - b.id;
			})
			.map(({ id }) => id);
	};
	const index = new RecordIndex(rows);
	const page = new Page(index);
	const demand = (condition, what) => {
		if (!condition) {
			throw new Error(`seed ${seed}: ${what}; view ${JSON.stringify(view)}, from ${page.from}`);
		}
	};
	const same = (a, b) => a.length === b.length && a.every((value, n) => value === b[n]);
	const stream = () => {
		const ids = [];
		for (let n = random(12); n >= 0; n--) {
			const known = [...rows.keys()];
			const what = known.length < 90 ? 0 : random(5);
			if (what <= 1) {
				rows.set(++lastId, fresh(lastId));
				ids.push(lastId);
			} else {
				const id = pick(known);
				what === 2 ? rows.delete(id) : rows.set(id, fresh(id));
				ids.push(id);
			}
		}
		index.changed(ids);
	};
	const counts = { streams: 0, held: 0, choices: 0, turns: 0 };
	let anchor = null; // the record that the page began with when it was turned to, as it was then
	const turned = () => {
		anchor = page.from === 0 ? null : rows.get(page.ids[0]);
	};
	for (let step = 0; step < steps; step++) {
		const before = { ids: [...page.ids], view: JSON.stringify(view), from: page.from };
		const what = random(10);
		if (what < 6) {
			const held = random(2) === 0;
			stream();
			if (held) {
				counts.held++;
				demand(same(page.ids, before.ids), 'a held page changed');
				const { come, go } = page.waiting();
				const now = new Set(order());
				demand(go === before.ids.filter((id) => !now.has(id)).length, 'what no longer belongs here is not counted right');
				demand(come >= 0 && come <= PAGE_SIZE, 'what is new is not counted right');
			}
			page.update();
			counts.streams++;
			// Where the record itself has changed or gone, the page begins at the place where it stood: others may come there.
			if (anchor !== null && rows.get(anchor.id) === anchor) {
				demand(page.ids[0] === anchor.id, 'a page that follows does not begin where it began');
			}
			demand(JSON.stringify(view) === before.view, 'the stream changed what the person chose');
		} else if (what < 8) {
			view = { status: pick(['all', 'all', ...STATUSES]), search: pick(['', '', 'a', 'adler', '1', 'bob event']), sort: pick(['reference', 'applicant', 'amount', 'status', 'submitted', 'assigned_to']), descending: random(2) === 0 };
			index.choose(view);
			while (!index.work(() => true)) {
				stream(); // changes arrive while the index is built
			}
			page.turnTo(random(3) * PAGE_SIZE);
			turned();
			counts.choices++;
		} else {
			const wasAt = page.from;
			random(2) === 0 ? page.next() : page.previous();
			if (page.from !== wasAt) {
				turned();
			}
			counts.turns++;
		}
		const expected = order();
		demand(same(index.slice(0, Infinity), expected), 'the index is not in order');
		demand(same(page.ids, expected.slice(page.from, page.from + PAGE_SIZE)), 'the page is not a part of the list');
		demand(page.ids.length > 0 || expected.length === 0, 'an empty page of a list that is not empty');
		const found = listed();
		demand(index.counts.all === found.length, 'the count of all is wrong');
		demand(STATUSES.every((status) => index.counts[status] === found.filter((row) => row.status === status).length), 'a count is wrong');
	}
	return counts;
}
