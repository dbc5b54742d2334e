// The line that says how things stand: connected or not, how fast, and what that means for what is on the screen.

import { $, clock } from './dom.js';

const QUIET_MS = 1_500; // a reconnection that is over sooner is not worth a banner

const WORDS = {
	connecting: 'connecting…',
	connected: 'live',
	offline: 'not connected',
	disconnected: 'stopped',
};

export class ConnectionStatus {
	constructor(db, records) {
		this.db = db;
		this.records = records;
		this.since = null; // when the records on the screen stopped being kept up; null while they are
		this.upSince = 0;
		this.failure = null;
		db.on('state', () => this.show());
		db.on('status', () => this.show());
		records.on('state', () => this.show());
		$('#refresh').addEventListener('click', () => this.refresh());
		this.show();
	}

	/** An error that will not go away by itself. */
	fail(error) {
		this.failure = error;
		this.show();
	}

	/** How long the last change took from the database to here (both clocks must agree; on one machine they do). */
	measure({ transactions }) {
		const last = transactions.at(-1);
		if (last === undefined || Date.parse(last.at) < this.upSince) {
			return; // what happened during an absence says nothing about speed
		}
		const took = Date.now() - Date.parse(last.at);
		if (took >= 0 && took < 10_000) {
			$('#latency').textContent = `last change took ${took < 1 ? '<1' : Math.round(took)} ms`;
		}
	}

	async refresh() {
		$('#refresh').disabled = true;
		try {
			await this.db.refresh();
		} catch (error) {
			console.info(error.message); // the notice stays and says so
		} finally {
			$('#refresh').disabled = false;
			this.show();
		}
	}

	show() {
		const { state, database } = this.db;
		const waiting = state === 'connected' && database !== 'connected';
		const loading = state === 'connected' && !waiting && this.records.state === 'subscribing';
		$('#connection').dataset.state = waiting || loading ? 'connecting' : state;
		$('#connection-text').textContent = waiting ? 'database away' : loading ? 'catching up…' : WORDS[state];
		clearTimeout(this.timer);
		if (state !== 'connected' || waiting) {
			this.since ??= new Date();
		} else if (this.since !== null) {
			this.since = null;
			this.upSince = Date.now();
		}
		const text = this.#notice(state, waiting);
		if (text === null) {
			$('#notice').hidden = true;
			return;
		}
		$('#notice').dataset.since = this.since?.toISOString() ?? '';
		const overdue = this.since === null || Date.now() - this.since.getTime() >= QUIET_MS || state === 'offline' || state === 'disconnected';
		if (overdue) {
			$('#notice-text').textContent = text;
			$('#notice').hidden = false;
			$('#refresh').hidden = waiting;
		} else {
			this.timer = setTimeout(() => this.show(), QUIET_MS);
		}
	}

	#notice(state, waiting) {
		if (this.failure !== null && this.records.state === 'unsubscribed') {
			return `The records cannot be shown: ${this.failure.message}.${this.failure.hint ? ` ${this.failure.hint}` : ''}`;
		}
		const kept = this.since !== null && this.records.isReady ? ` You see the records as they were at ${clock.format(this.since)}.` : '';
		if (waiting) {
			return `The bridge has lost its database and is reconnecting.${kept} What you save now is sent when it is back.`;
		}
		switch (state) {
			case 'connecting':
			case 'offline':
				return `There is no connection to the server.${kept} It is tried again by itself; what you save meanwhile is sent then.`;
			case 'disconnected':
				return `The connection was ended.${kept} Reload the page, or refresh, to connect again.`;
			default:
				return null;
		}
	}
}
