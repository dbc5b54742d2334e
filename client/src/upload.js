// One write on its way over one connection: whole in one message, or in pieces where it is large, with few of them
// unanswered at a time, so that the page goes on working and progress means something.

import { LockstepError } from './errors.js';
import { stringify } from './exact.js';

const SMALL_OPERATIONS = 200; // so many go in one message
const PIECE_CHARACTERS = 128 * 1024;
const PIECE_OPERATIONS = 2000;
const WINDOW = 4; // pieces that the bridge has not answered

const encoder = new TextEncoder();

export class Upload {
	#operations;
	#about;
	#limits;
	#send;
	#next = 0; // the operation to be sent next
	#piece = 0;
	#unanswered = 0;

	/**
	 * @param id       of the request
	 * @param about    mutation and reason
	 * @param limits   {pieces: whether the bridge takes pieces, maxMessageBytes}
	 * @param send     text → whether it went out
	 */
	constructor(id, operations, about, limits, send) {
		this.id = id;
		this.#operations = operations;
		this.#about = about;
		this.#limits = limits;
		this.#send = send;
	}

	/** Whether all has been sent: from then on, only the answer tells whether it was done. */
	get sent() {
		return this.#next === this.#operations.length;
	}

	get total() {
		return this.#operations.length;
	}

	/** Sends what may be sent now. Throws where an operation is larger than any message may be. */
	go() {
		if (this.#piece === 0 && this.#operations.length <= SMALL_OPERATIONS) {
			const text = stringify({ type: 'write', id: this.id, ...this.#about, operations: this.#operations });
			if (text.length <= this.#pieceCharacters() || !this.#limits.pieces) {
				this.#whole(text);
				return;
			}
		} else if (!this.#limits.pieces) {
			this.#whole(stringify({ type: 'write', id: this.id, ...this.#about, operations: this.#operations }));
			return;
		}
		while (!this.sent && this.#unanswered < WINDOW && this.#sendPiece()) {
			this.#unanswered++;
		}
	}

	/** The bridge has a piece. */
	received() {
		this.#unanswered--;
		this.go();
	}

	// A character takes three bytes at most; some are for what stands around the operations.
	#pieceCharacters() {
		return Math.min(PIECE_CHARACTERS, Math.floor(this.#limits.maxMessageBytes / 3) - 100);
	}

	#whole(text) {
		this.#check(text, 0);
		if (this.#send(text)) {
			this.#next = this.#operations.length;
		}
	}

	#sendPiece() {
		const first = this.#next;
		const texts = [];
		let size = 0;
		const room = this.#pieceCharacters() - stringify(this.#about).length;
		let at = first;
		while (at < this.#operations.length && texts.length < PIECE_OPERATIONS) {
			const text = stringify(this.#operations[at]);
			if (texts.length > 0 && size + text.length > room) {
				break;
			}
			texts.push(text);
			size += text.length + 1;
			at++;
		}
		const head = { type: 'write', id: this.id, ...(first === 0 ? this.#about : {}), piece: this.#piece, more: at < this.#operations.length };
		const text = `${stringify(head).slice(0, -1)},"operations":[${texts.join(',')}]}`;
		this.#check(text, first);
		if (!this.#send(text)) {
			return false;
		}
		this.#piece++;
		this.#next = at;
		return true;
	}

	// The bridge ends a connection on which too large a message comes, and sending it again would not help.
	#check(text, operation) {
		const { maxMessageBytes } = this.#limits;
		if (text.length * 3 > maxMessageBytes && encoder.encode(text).length > maxMessageBytes) {
			throw new LockstepError({
				code: 'usage',
				message: `the write is larger than the server takes in one message (${maxMessageBytes} bytes)`,
				hint: this.#limits.pieces ? 'A single operation must fit into a message.' : 'Split it into several.',
				operation,
			});
		}
	}
}
