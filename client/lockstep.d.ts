/** Types of lockstep.js. The user's page is docs/client.md. */

/** A decimal number that no double can hold; it keeps its text. */
export class ExactNumber {
	constructor(text: string);
	readonly text: string;
	toString(): string;
	/** The nearest double. */
	valueOf(): number;
	toJSON(): unknown;
}

/** A number of a row: bigint beyond 2^53 - 1, ExactNumber for decimals that a double would change. */
export type Numeric = number | bigint | ExactNumber;
export type Value = null | boolean | string | Numeric | Value[] | { [name: string]: Value };
export type Row = Record<string, any>;

/** A row's key: the value of a single key column, or an object of all key columns. */
export type Key = string | Numeric | Record<string, Value>;
/** What `rows` is keyed by: the value of a single key column, or the JSON array of several. */
export type MapKey = string | number | bigint | boolean;

export type State = 'disconnected' | 'connecting' | 'connected' | 'offline';
export type SubscriptionState = 'unsubscribed' | 'subscribing' | 'subscribed';

/** Codes of connection states; 1000 and above are WebSocket close codes. */
export const codes: Readonly<{
	started: 0;
	stopped: 1;
	welcomed: 2;
	silent: 3;
	timeout: 4;
	unauthorized: 5;
	network: 6;
	token: 7;
	garbled: 8;
	refused: 9;
}>;

/** What calls reject with. */
export class LockstepError extends Error {
	/** An SQLSTATE, a word of the bridge ("forbidden", …), or "closed", "timeout", "disconnected", "usage". */
	readonly code: string;
	readonly detail?: any;
	readonly hint?: string;
	/** Index of the operation of a write that failed. */
	readonly operation?: number;
}

/** LS001: the row is no longer at the version that the write was based on. Nothing was written. */
export class ConflictError extends LockstepError {
	readonly table: string;
	readonly key: Record<string, Value>;
	readonly expected: Numeric;
	/** The row's version now; null when the row is gone. */
	readonly current: Numeric | null;
	readonly changedBy: string | null;
	readonly changedAt: string | null;
	/** Columns that changed since `expected`, where known. */
	readonly columns: string[];
	readonly reason: string;
}

/** 55P03: somebody else holds the record's lock. Nothing was written. */
export class LockedError extends LockstepError {
	readonly table: string;
	readonly key: Record<string, Value>;
	readonly holder: string | null;
	readonly client: string | null;
	readonly mode: string;
	readonly since: string | null;
	readonly until: string | null;
	readonly note: string | null;
}

/** The bridge wants a (better) token; reconnecting has ended. */
export class UnauthorizedError extends LockstepError {}

export interface Clock {
	/** Milliseconds since 1970. */
	now(): number;
	setTimeout(callback: () => void, milliseconds: number): unknown;
	clearTimeout(handle: any): void;
}

export interface Timing {
	/** Least wait before an attempt, in ms. Default 100. */
	backoffFloor?: number;
	/** Most wait before the first attempt, in ms; doubles with each. Default 500. */
	backoffBase?: number;
	/** Most wait before any attempt, in ms. Default 20000. */
	backoffMax?: number;
	/** Least wait while the page is hidden, in ms. Default 30000. */
	hiddenFloor?: number;
	/** A connection that has stood for so long, in ms, resets the backoff. Default 5000. */
	stableAfter?: number;
	/** Most time for opening a socket and for the answer to hello, in ms. Default 10000. */
	connectTimeout?: number;
	/** Most time for the answer when a connection is checked, in ms. Default 4000. */
	probeTimeout?: number;
	/** Failed attempts after which the state is "offline". Default 4. */
	offlineAfter?: number;
}

export interface ConnectOptions {
	/** Asked at each connection and before a JWT ends. `refresh`: the last token was refused or is about to end. */
	getToken?: (why: { refresh: boolean }) => string | Promise<string>;
	/** Stable id of this session. Default: one per tab, kept in sessionStorage. */
	client?: string;
	/** The name to work under, where the bridge takes it on trust. */
	actor?: string;
	/** Default: the global WebSocket. */
	WebSocket?: new (url: string, protocols: string[]) => any;
	clock?: Clock;
	/** Numbers in [0, 1) for jitter. Default Math.random. */
	random?: () => number;
	/** Ids of mutations. Default: UUIDs. */
	newId?: () => string;
	timing?: Timing;
	/** Where page events come from. Default: the global document and window, where they exist. */
	page?: { document?: any; window?: any };
}

export interface StateEvent<S = State> {
	from: S;
	to: S;
	code: number;
	reason: string;
	/** On a live table that became subscribed: whether the history is whole. */
	recovered?: boolean;
}

export interface RetryEvent {
	attempt: number;
	/** Milliseconds until the attempt. */
	delay: number;
	code: number;
	reason: string;
}

interface About {
	xid: string | null;
	/** When, as the database's ISO 8601 text. */
	at: string;
	actor: string | null;
	client: string | null;
	reason: string | null;
}

interface Target {
	key: MapKey;
	keyValues: Record<string, Value>;
	version?: Numeric;
}

/** What an onlooker of `rows` sees. Differences found by a refetch have no xid, at, actor, client and reason. */
export type Change<R = Row> = Partial<About> &
	(
		| ({ op: 'insert' | 'enter'; row: R } & Target)
		/** `old`: previous values of the columns that changed. */
		| ({ op: 'update'; row: R; old: Partial<R> } & Target)
		/** `old`: the row as it was shown. */
		| ({ op: 'delete' | 'leave'; old: R } & Target)
		| { op: 'truncate'; count: number; key?: undefined }
	);

export interface Transaction<R = Row> extends About {
	changes: Change<R>[];
}

/** Everything that became visible at once. */
export interface Batch<R = Row> {
	changes: Change<R>[];
	transactions: Transaction<R>[];
	position: string;
	/** The first rows. */
	first: boolean;
	/** Differences found by a refetch. */
	refetch: boolean;
	/** The session was too slow; these are latest states instead of single changes. */
	coalesced: boolean;
}

export interface Column {
	name: string;
	type: string;
}

export interface LiveEvents<R = Row> {
	ready: { position: string; size: number };
	change: Change<R>;
	transaction: Transaction<R>;
	batch: Batch<R>;
	refetch: { reason: string; position: string };
	state: StateEvent<SubscriptionState>;
	error: LockstepError;
	schema: { columns: Column[] };
	behind: {};
}

export interface DatabaseEvents {
	state: StateEvent;
	retry: RetryEvent;
	status: { database: 'connected' | 'reconnecting' };
	error: Error;
	conflict: any;
	/** A message that this version does not know. */
	message: any;
}

declare class Emitter<Events> {
	/** Returns the function that takes the listener off again. */
	on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => unknown): () => void;
	once<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => unknown): () => void;
}

type Scalar = null | boolean | string | Numeric;
export interface Comparison {
	eq?: Scalar;
	neq?: Scalar;
	gt?: Scalar;
	gte?: Scalar;
	lt?: Scalar;
	lte?: Scalar;
	in?: Scalar[];
	like?: string;
	ilike?: string;
	is?: null | boolean;
	contains?: Value;
}
/** Column → value (equality; null means IS NULL) or comparison; `and`, `or`, `not` nest. */
export type Filter<R = Row> = { [Name in keyof R]?: R[Name] | null | Comparison } & {
	and?: Filter<R>[];
	or?: Filter<R>[];
	not?: Filter<R>;
};

export interface LiveOptions {
	/** Most rows of the snapshot; more are the error "too_many_rows". */
	limit?: number;
	/** "changed": receive only the changed columns of updates. They are merged here, so rows are whole all the same. */
	rows?: 'changed';
}

export class Query<R extends Row = Row> {
	where(filter: Filter<R>): Query<R>;
	columns<Name extends keyof R & string>(names: Name[]): Query<Pick<R, Name> & Row>;
	live(options?: LiveOptions): LiveTable<R>;
}

export class LiveTable<R extends Row = Row> extends Emitter<LiveEvents<R>> {
	readonly table: string;
	readonly rows: ReadonlyMap<MapKey, R>;
	readonly state: SubscriptionState;
	/** Key columns; null until the bridge has told them. */
	readonly key: string[] | null;
	readonly columns: Column[];
	readonly isReady: boolean;
	readonly position: string | null;
	readonly error: LockstepError | null;
	get(key: Key): R | undefined;
	sorted(compare?: (a: R, b: R) => number): R[];
	keyOf(row: R): Record<string, Value>;
	/** Resolves when the rows are complete. `timeout` in ms. */
	ready(timeout?: number): Promise<this>;
	close(): void;
}

export interface WriteOptions {
	/** Kept in the log with the change. */
	reason?: string;
	/** Id under which the write is done at most once. Default: a new UUID. */
	mutation?: string;
	/** Milliseconds after which to give up waiting (the write may have been done all the same). Default: none. */
	timeout?: number;
	/** Gives the write up: it rejects with "cancelled", and nothing was written, unless it is too late. */
	signal?: AbortSignal;
	/** Hears how far a large write is. */
	onProgress?: (progress: WriteProgress) => void;
}

export interface WriteProgress {
	/** "sending": operations that the bridge has; "writing": operations done in the transaction. */
	phase: 'sending' | 'writing';
	done: number;
	total: number;
}

export interface RowWriteOptions extends WriteOptions {
	/** Write only if this is still the row's version. */
	version?: Numeric;
	/** Fencing token of the record lock under which to write. */
	token?: number;
}

export type Operation =
	| { op: 'insert'; table: string; row: Row }
	| { op: 'update'; table: string; key: Key; set: Row; version?: Numeric; token?: number }
	| { op: 'delete'; table: string; key: Key; version?: Numeric; token?: number };

export interface OperationResult {
	key: Record<string, Value>;
	version?: Numeric;
}
export interface WriteResult {
	xid: string;
	/** Covers the write. Missing where the connection to the database ended just after the commit. */
	position?: string;
	results: OperationResult[];
}
export type RowWriteResult = OperationResult & { xid: string; position?: string };

export class Database extends Emitter<DatabaseEvents> {
	readonly url: string;
	readonly state: State;
	readonly actor: string | null;
	readonly verified: boolean;
	readonly client: string | null;
	/** What the bridge says about its own connection to the database. */
	readonly database: 'connected' | 'reconnecting';
	readonly features: string[];
	readonly server: string | null;
	/** Number of writes without an answer. */
	readonly unanswered: number;
	table<R extends Row = Row>(name: string): Query<R>;
	insert(table: string, row: Row, options?: WriteOptions): Promise<RowWriteResult>;
	update(table: string, key: Key, set: Row, options?: RowWriteOptions): Promise<RowWriteResult>;
	delete(table: string, key: Key, options?: RowWriteOptions): Promise<RowWriteResult>;
	write(operations: Operation[], options?: WriteOptions): Promise<WriteResult>;
	/** Connects, or checks the connection, right now. */
	refresh(): Promise<void>;
	/** The bridge's clock minus this one, in ms; the error is at most half of the round trip. */
	measureClock(options?: { samples?: number }): Promise<{ offset: number; roundTrip: number }>;
	close(): void;
}

/** Opens a connection that keeps itself up. `url` may be relative to the page: "/v1/socket". */
export function connect(url: string, options?: ConnectOptions): Database;

/** JSON.parse with exact numbers. */
export function parse(text: string): any;
/** JSON.stringify with exact numbers. */
export function stringify(value: unknown): string;
