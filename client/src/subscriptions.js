// All subscriptions of one Database: routes the bridge's messages to their state machines, asks again after each
// reconnection, and shares one subscription among the live tables that ask for the same.

import { errorFrom } from './errors.js';
import { stringify } from './exact.js';
import * as machine from './subscription_machine.js';

const RETRY_FLOOR = 1_000; // after the bridge answered "unavailable" or "rate_limited"
const TEMPORARY = new Set(['unavailable', 'rate_limited']);

export class Subscriptions {
	#byQuery = new Map(); // canonical query → subscription, while a live table uses it
	#byId = new Map(); // id of a subscribe request on this connection → subscription
	#bySub = new Map(); // the bridge's name on this connection → subscription
	#left = new Map(); // id of an unsubscribe request that is not answered yet → id of the subscribe it ends
	#keys = new Map(); // table → key columns, once known
	#timers = new Map();

	/** @param link {send(message) → boolean, nextId(), clock, random(), backoff, error(e), refused(e)} */
	constructor(link) {
		this.link = link;
	}

	/** The subscription for a query, shared with others that asked for the same. */
	attach(query, view) {
		const name = canonical(query);
		let subscription = this.#byQuery.get(name);
		if (subscription === undefined) {
			subscription = { name, state: machine.create(query), views: new Set(), ids: new Set(), failures: 0 };
			this.#byQuery.set(name, subscription);
			subscription.views.add(view);
			this.#subscribe(subscription);
		} else {
			subscription.views.add(view);
		}
		return subscription;
	}

	detach(subscription, view) {
		subscription.views.delete(view);
		if (subscription.views.size === 0) {
			this.#cancelRetry(subscription);
			this.#unsubscribe(subscription);
			this.#forget(subscription);
		}
	}

	/** Key columns of a table, where a subscription or describe() has told them. */
	keyOf(table) {
		return this.#keys.get(table);
	}

	learn(table, key) {
		this.#keys.set(table, key);
	}

	connected() {
		this.#byId.clear();
		this.#bySub.clear();
		this.#left.clear();
		for (const subscription of this.#all()) {
			subscription.ids.clear();
			this.#cancelRetry(subscription);
			this.#subscribe(subscription);
		}
	}

	disconnected(reason) {
		this.#byId.clear();
		this.#bySub.clear();
		this.#left.clear();
		for (const subscription of this.#all()) {
			subscription.ids.clear();
			this.#cancelRetry(subscription);
			this.#deliver(subscription, machine.lost(subscription.state, reason));
		}
	}

	/** Ends all for good. */
	close(error) {
		for (const subscription of this.#all()) {
			this.#cancelRetry(subscription);
			this.#forget(subscription);
			for (const view of [...subscription.views]) {
				view.closed(error);
			}
		}
	}

	/** Takes a message that concerns subscriptions; false when it does not. */
	receive(message) {
		switch (message.type) {
			case 'position':
				for (const subscription of this.#all()) {
					this.#deliver(subscription, machine.receive(subscription.state, message));
				}
				return true;
			case 'subscribed':
				return this.#subscribed(message);
			case 'unsubscribed':
				this.#refused(this.#find(message), errorFrom({ message: 'the subscription was ended by the bridge', ...message }));
				return true;
			case 'error':
				return this.#error(message);
			case 'ok':
				this.#left.delete(message.id);
				return true;
			case 'snapshot':
			case 'changes':
			case 'refetch':
			case 'behind': {
				// Unknown names belong to subscriptions that this side has left already.
				const subscription = this.#find(message);
				if (subscription !== undefined) {
					this.#deliver(subscription, machine.receive(subscription.state, message));
				}
				return true;
			}
			default:
				return false;
		}
	}

	/** The database is back: what was put off is asked again at once. */
	databaseBack() {
		for (const subscription of [...this.#timers.keys()]) {
			this.#cancelRetry(subscription);
			this.#subscribe(subscription);
		}
	}

	// A query that was found to be the same as another leads to the other's subscription: each once.
	#all() {
		return new Set(this.#byQuery.values());
	}

	#find({ sub, id }) {
		return this.#bySub.get(sub) ?? this.#byId.get(id);
	}

	#subscribe(subscription) {
		const id = this.link.nextId();
		const message = { type: 'subscribe', id, ...machine.request(subscription.state) };
		if (!this.link.send(message)) {
			return; // connected() comes back to it
		}
		this.#byId.set(id, subscription);
		subscription.ids.add(id);
		this.#deliver(subscription, machine.requested(subscription.state));
	}

	#unsubscribe(subscription) {
		for (const id of subscription.ids) {
			const request = this.link.nextId();
			this.link.send({ type: 'unsubscribe', id: request, subscription: id });
			this.#byId.delete(id);
			this.#left.set(request, id);
		}
		subscription.ids.clear();
		this.#bySub.delete(subscription.state.sub);
	}

	#forget(subscription) {
		for (const [name, other] of [...this.#byQuery]) {
			if (other === subscription) {
				this.#byQuery.delete(name);
			}
		}
	}

	#subscribed(message) {
		const subscription = this.#byId.get(message.id);
		if (subscription === undefined) {
			return true; // left meanwhile
		}
		this.#keys.set(subscription.state.query.table, message.key);
		const holder = this.#bySub.get(message.sub);
		if (holder !== undefined && holder !== subscription) {
			this.#merge(subscription, holder, message);
			return true;
		}
		this.#bySub.set(message.sub, subscription);
		subscription.failures = 0;
		this.#deliver(subscription, machine.receive(subscription.state, message));
		return true;
	}

	// The bridge finds two queries to be the same ("total": 5 and {"eq": 5}) and sends each change once: one joins the other,
	// normally the later the earlier. Its snapshot, which is on the way, stands for both. Where it resumed instead, what comes
	// to catch up would be applied to rows that may be further on, so a snapshot is asked for. Rows on the screen are not
	// given up for a subscription that has none yet.
	#merge(later, earlier, message) {
		const resumed = later.state.position !== null;
		const [kept, joining] = later.state.ready && !earlier.state.ready ? [later, earlier] : [earlier, later];
		this.#byId.set(message.id, later);
		if (kept === later) {
			this.#bySub.set(message.sub, later);
			this.#deliver(later, machine.receive(later.state, message));
		}
		for (const id of joining.ids) {
			this.#byId.set(id, kept);
			kept.ids.add(id);
		}
		joining.ids.clear();
		for (const [name, other] of this.#byQuery) {
			if (other === joining) {
				this.#byQuery.set(name, kept);
			}
		}
		this.#cancelRetry(joining);
		for (const view of joining.views) {
			kept.views.add(view);
			view.moved(kept);
		}
		joining.views.clear();
		if (resumed) {
			kept.state.stale = 'two subscriptions turned out to be the same';
			this.#resync(kept);
		}
	}

	#resync(subscription) {
		this.#unsubscribe(subscription);
		this.#subscribe(subscription);
	}

	#error(message) {
		const subscription = this.#byId.get(message.id);
		if (subscription === undefined) {
			return this.#forgiven(message.id);
		}
		this.#byId.delete(message.id);
		subscription.ids.delete(message.id);
		this.#refused(subscription, errorFrom(message));
		return true;
	}

	// The bridge may refuse a subscribe while its unsubscribe is on the way, which then has nothing to end: neither error
	// matters to anybody.
	#forgiven(id) {
		return this.#left.delete(id) || [...this.#left.values()].includes(id);
	}

	#refused(subscription, error) {
		if (subscription === undefined) {
			return;
		}
		this.#bySub.delete(subscription.state.sub);
		for (const id of subscription.ids) {
			this.#byId.delete(id);
		}
		subscription.ids.clear();
		if (TEMPORARY.has(error.code)) {
			this.#deliver(subscription, machine.lost(subscription.state, error.message));
			this.#retryLater(subscription);
			return;
		}
		this.#forget(subscription);
		this.#deliver(subscription, machine.ended(subscription.state, machine.reasons.refused, error.message));
		for (const view of [...subscription.views]) {
			view.refused(error);
		}
	}

	#retryLater(subscription) {
		this.#cancelRetry(subscription);
		const delay = this.link.backoff(subscription.failures++, RETRY_FLOOR);
		const timer = this.link.clock.setTimeout(() => {
			this.#timers.delete(subscription);
			this.#subscribe(subscription);
		}, delay);
		this.#timers.set(subscription, timer);
	}

	#cancelRetry(subscription) {
		this.link.clock.clearTimeout(this.#timers.get(subscription));
		this.#timers.delete(subscription);
	}

	#deliver(subscription, notices) {
		for (const notice of notices) {
			if (notice.kind === 'resync') {
				this.#resync(subscription);
				continue;
			}
			for (const view of [...subscription.views]) {
				view.notice(notice);
			}
		}
	}
}

/** Text that is equal for queries that ask for the same. */
function canonical({ table, where, columns, rows, limit }) {
	return stringify([table, sorted(where) ?? null, columns === undefined ? null : [...columns].sort(), rows ?? null, limit ?? null]);
}

function sorted(value) {
	if (Array.isArray(value)) {
		return value.map(sorted);
	}
	if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
		return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
	}
	return value;
}
