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
		this.since = new Date();
		this.attempt = null;
		this.failure = null;
		db.on('state', ({ from }) => {
			if (from === 'connected') {
				this.since = new Date();
			}
			this.attempt = null;
			this.show();
		});
		db.on('retry', (attempt) => {
			this.attempt = { ...attempt, at: Date.now() + attempt.delay };
			this.show();
		});
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
		const took = last === undefined ? -1 : Date.now() - Date.parse(last.at);
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
		const text = this.#notice(state, waiting);
		if (text === null) {
			$('#notice').hidden = true;
			return;
		}
		const overdue = Date.now() - this.since.getTime() >= QUIET_MS || state === 'offline' || state === 'disconnected';
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
		const kept = this.records.isReady ? ` You see the records as they were at ${clock.format(this.since)}.` : '';
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
