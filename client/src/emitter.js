// Listeners by name. A listener that throws harms neither the library nor the other listeners: its error is reported
// in a microtask, so that the console and window.onerror still see the bug.

export class Emitter {
	#listeners = new Map();

	/** Calls `listener` for each event of that name. Returns the function that takes it off again. */
	on(name, listener) {
		if (typeof listener !== 'function') {
			throw new TypeError(`listener for "${name}" is not a function`);
		}
		const entry = { listener };
		this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), entry]);
		return () => {
			const rest = (this.#listeners.get(name) ?? []).filter((other) => other !== entry);
			this.#listeners.set(name, rest);
		};
	}

	/** Like on(), for the next event only. */
	once(name, listener) {
		const remove = this.on(name, (event) => {
			remove();
			return listener(event);
		});
		return remove;
	}

	listenerCount(name) {
		return this.#listeners.get(name)?.length ?? 0;
	}

	emit(name, event) {
		// The array is replaced, never changed: listeners may come and go while it is walked.
		for (const { listener } of this.#listeners.get(name) ?? []) {
			try {
				const result = listener(event);
				if (typeof result?.then === 'function') {
					result.then(undefined, report);
				}
			} catch (error) {
				report(error);
			}
		}
	}
}

/** Shows an error that nobody can catch, without disturbing the caller. */
export function report(error) {
	queueMicrotask(() => {
		if (typeof globalThis.reportError === 'function') {
			globalThis.reportError(error);
		} else {
			throw error;
		}
	});
}
