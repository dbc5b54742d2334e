// The line that says how things stand: connected or not, and what that means for what is on the screen.

import { $, clock, count, plural } from './dom.js';

const QUIET_MS = 1_500; // a reconnection that is over sooner is not worth a banner

const WORDS = {
	connecting: 'connecting…',
	connected: 'live',
	offline: 'not connected',
	disconnected: 'stopped',
};

export class ConnectionStatus {
	#db;
	#records;
	#writes;
	#callbacks;
	#since = null; // when the records on the screen stopped being kept up; null while they are
	#upSince = 0;
	#away = null; // {since, until}: the last absence, while what was missed comes in
	#missed = new Map(); // id of a record → nothing; with #people, what came in after an absence
	#people = new Map();
	#changes = 0;
	#failure = null;
	#tried = null; // when a refresh found nobody
	#timer;

	/** @param callbacks {live(since), missed(ids), seen()} */
	constructor(db, records, writes, callbacks) {
		this.#db = db;
		this.#records = records;
		this.#writes = writes;
		this.#callbacks = callbacks;
		db.on('state', () => this.show());
		db.on('status', () => this.show());
		records.on('state', () => this.show());
		writes.onChange(() => this.show());
		$('#refresh').addEventListener('click', () => this.refresh());
		$('#missed-dismiss').addEventListener('click', () => this.#dismiss());
		this.show();
	}

	/** An error that will not go away by itself. */
	fail(error) {
		this.#failure = error;
		this.show();
	}

	/** Counts what happened during the last absence. `serverTime` turns this clock's time into that of changes. */
	note({ changes, refetch }, mine, serverTime) {
		if (this.#away === null) {
			return;
		}
		const until = serverTime(this.#away.until);
		const missed = changes.filter((change) => refetch || (Date.parse(change.at) <= until && !mine(change)));
		if (missed.length === 0) {
			return;
		}
		for (const { key, actor } of missed) {
			const who = actor ?? (refetch ? null : 'somebody');
			this.#missed.set(key);
			this.#people.set(who, (this.#people.get(who) ?? 0) + 1);
		}
		this.#changes += missed.length;
		this.#callbacks.missed(missed.map(({ key }) => key));
		this.#showMissed();
	}

	async refresh() {
		$('#refresh').disabled = true;
		this.#tried = null;
		try {
			await this.#db.refresh();
		} catch (error) {
			this.#tried = new Date();
			console.info(error.message);
		} finally {
			$('#refresh').disabled = false;
			this.show();
		}
	}

	show() {
		const { state, database } = this.#db;
		const waiting = state === 'connected' && database !== 'connected';
		const loading = state === 'connected' && !waiting && this.#records.state === 'subscribing';
		const shown = waiting || loading ? 'connecting' : state;
		$('#connection').dataset.state = shown;
		this.#text('#connection-text', waiting ? 'database away' : loading ? (this.#records.isReady ? 'catching up…' : 'loading…') : WORDS[state]);
		this.#text('#unsaved', this.#writes.size > 0 ? `${count.format(this.#writes.size)} not saved yet` : '');
		$('#unsaved').hidden = this.#writes.size === 0;
		$('#unsaved').title = this.#writes.labels().join('\n');
		clearTimeout(this.#timer);
		const up = state === 'connected' && !waiting;
		if (!up) {
			this.#since ??= new Date();
		} else if (this.#since !== null) {
			const since = this.#changes > 0 ? this.#away.since : this.#since;
			this.#away = this.#records.isReady ? { since, until: Date.now() } : null;
			this.#since = null;
			this.#tried = null;
			this.#upSince = Date.now();
			this.#callbacks.live(this.#upSince);
		}
		document.body.classList.toggle('stale', !up && this.#records.isReady);
		this.#showNotice(this.#notice(state, waiting), waiting);
	}

	#showNotice(text, waiting) {
		const { state } = this.#db;
		if (text === null) {
			$('#notice').hidden = true;
			return;
		}
		$('#notice').dataset.since = this.#since?.toISOString() ?? '';
		const overdue = this.#since === null || Date.now() - this.#since.getTime() >= QUIET_MS || state === 'offline' || state === 'disconnected';
		if (!overdue) {
			this.#timer = setTimeout(() => this.show(), QUIET_MS);
			return;
		}
		this.#text('#notice-text', text);
		this.#text('#notice-tried', this.#tried === null ? '' : `Tried at ${clock.format(this.#tried)}: no answer.`);
		$('#notice').hidden = false;
		$('#refresh').hidden = waiting;
	}

	#notice(state, waiting) {
		if (this.#failure !== null && this.#records.state === 'unsubscribed') {
			return `The records cannot be shown: ${this.#failure.message}.${this.#failure.hint ? ` ${this.#failure.hint}` : ''}`;
		}
		const kept = this.#since !== null && this.#records.isReady ? ` You see the records as they were at ${clock.format(this.#since)}.` : '';
		const saved = this.#writes.size > 0 ? `${plural(this.#writes.size, 'change')} of yours ${this.#writes.size === 1 ? 'waits' : 'wait'} to be sent.` : 'What you save meanwhile is sent then.';
		if (waiting) {
			return `The server has lost its database and is reconnecting.${kept} ${saved}`;
		}
		switch (state) {
			case 'connecting':
			case 'offline':
				return `There is no connection to the server.${kept} It is tried again by itself. ${saved}`;
			case 'disconnected':
				return `The connection was ended.${kept} Refresh, or reload the page, to connect again.`;
			default:
				return null;
		}
	}

	#showMissed() {
		const people = [...this.#people].sort((a, b) => b[1] - a[1]).map(([who, times]) => (who === null ? null : `${who} ${count.format(times)}`));
		const named = people.filter((text) => text !== null);
		const who = named.length === 0 ? '' : `: ${named.slice(0, 4).join(', ')}${named.length > 4 ? ' and others' : ''}`;
		const times = `from ${clock.format(this.#away.since)} to ${clock.format(this.#away.until)}`;
		this.#text('#missed-text', `There was no connection ${times}. Meanwhile there were ${plural(this.#changes, 'change')} to ${plural(this.#missed.size, 'record')}${who}. They are marked in the list.`);
		$('#missed').hidden = false;
	}

	#dismiss() {
		$('#missed').hidden = true;
		this.#away = null;
		this.#missed.clear();
		this.#people.clear();
		this.#changes = 0;
		this.#callbacks.seen();
	}

	#text(selector, text) {
		const element = $(selector);
		if (element.textContent !== text) {
			element.textContent = text;
		}
	}
}
