-- The tables. Columns of those that C code reads or writes stand in extension/log_tables.hpp, in this order.

CREATE TABLE lockstep.tracked_table (
	relation regclass PRIMARY KEY,
	key_columns name[] NOT NULL,
	version_column name NOT NULL,
	exclude_columns name[] NOT NULL,
	options jsonb NOT NULL,
	since timestamptz NOT NULL DEFAULT now(),
	-- The columns' numbers, by which a renamed column is recognised. Not valid after a restore: then the names count.
	column_numbers jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE lockstep.tracked_table IS 'the tracked tables and their options; read it through lockstep.tracked';

CREATE TABLE lockstep.table_name (
	relid oid PRIMARY KEY,
	table_name text NOT NULL
);
COMMENT ON TABLE lockstep.table_name IS 'the last known name of each table that was ever tracked: the log outlives tables';

CREATE TABLE lockstep.partition (
	relid regclass PRIMARY KEY,
	root regclass NOT NULL
);
COMMENT ON TABLE lockstep.partition IS 'the partitions of tracked tables: when one is dropped, the server no longer tells whose it was';

CREATE TABLE lockstep.era (
	era integer NOT NULL,
	system_identifier bigint NOT NULL,
	database oid NOT NULL,
	timeline integer NOT NULL,
	started timestamptz NOT NULL,
	-- The id of lockstep.beginning: a dump that is restored over the database it came from begins a new life too.
	beginning uuid
);
COMMENT ON TABLE lockstep.era IS 'the lives of this database''s transaction numbers: a restore or a failover begins a new one';

-- Not dumped: who restores a dump begins anew.
CREATE TABLE lockstep.beginning (
	lsn pg_lsn NOT NULL,
	id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid()
);
INSERT INTO lockstep.beginning VALUES (pg_catalog.pg_current_wal_insert_lsn());
COMMENT ON TABLE lockstep.beginning IS 'where the WAL was when the extension was created: the log knows nothing from before';
COMMENT ON COLUMN lockstep.beginning.id IS 'names this creation of the extension; copies of the files keep it, a dump that is restored gets another';

CREATE SEQUENCE lockstep.origin_id_seq AS bigint;
COMMENT ON SEQUENCE lockstep.origin_id_seq IS 'numbers of lockstep.origin';
CREATE TABLE lockstep.origin (
	id bigint PRIMARY KEY,
	hash bigint NOT NULL,
	verified boolean NOT NULL,
	actor text,
	client text,
	reason text,
	session_user_name text,
	application text,
	address text
);
CREATE INDEX origin_hash_idx ON lockstep.origin (hash);
COMMENT ON TABLE lockstep.origin IS 'who changed something, and from where: each distinct context once, or a few times where sessions met it at the same moment';
COMMENT ON COLUMN lockstep.origin.verified IS 'was the actor authenticated by the bridge, or only claimed by SQL?';

CREATE SEQUENCE lockstep.shape_id_seq AS bigint;
COMMENT ON SEQUENCE lockstep.shape_id_seq IS 'numbers of lockstep.shape';
-- Not dumped: in a dump, row images are text.
CREATE TABLE lockstep.shape (
	id bigint PRIMARY KEY,
	hash bigint NOT NULL,
	names text[] NOT NULL
);
CREATE INDEX shape_hash_idx ON lockstep.shape (hash);
COMMENT ON TABLE lockstep.shape IS 'the column names of row images in the log: each list once, or a few times where sessions met it at the same moment';

-- One draw reserves as many numbers as a batch of the log writer may use (change_numbers_per_draw in extension/sequence.hpp).
CREATE SEQUENCE lockstep.change_seq AS bigint INCREMENT 1024 CACHE 1;
COMMENT ON SEQUENCE lockstep.change_seq IS 'numbers of changes, in blocks of 1024';

CREATE TABLE lockstep.change (
	xid xid8 NOT NULL,
	seq bigint NOT NULL,
	at timestamptz NOT NULL,
	version bigint,
	key_hash bigint,
	origin bigint NOT NULL,
	root oid NOT NULL,
	leaf oid NOT NULL,
	segment integer NOT NULL,
	era integer NOT NULL,
	ordinal integer NOT NULL,
	op "char" NOT NULL,
	key jsonb,
	row lockstep.row_image,
	old lockstep.row_image,
	omitted text[]
) PARTITION BY LIST (segment);
-- No index here: a dump would restore each segment's twice, once through the parent. make_segment() and close_segment() make them.
COMMENT ON TABLE lockstep.change IS 'the change log; read it through lockstep.changes()';
COMMENT ON COLUMN lockstep.change.xid IS 'the transaction';
COMMENT ON COLUMN lockstep.change.seq IS 'number of the change; transactions are ordered by their last one';
COMMENT ON COLUMN lockstep.change.at IS 'when the change was written to the log: for most transactions, just before they committed';
COMMENT ON COLUMN lockstep.change.version IS 'the row''s version after an insert or update, before a delete';
COMMENT ON COLUMN lockstep.change.key_hash IS 'the key where it is a single integer, else jsonb_hash_extended(key, 0)';
COMMENT ON COLUMN lockstep.change.op IS 'i insert, u update, d delete, t truncate, s schema change, m end of a transaction written in parts';
COMMENT ON COLUMN lockstep.change.row IS 'the whole row after an insert or update, before a delete';
COMMENT ON COLUMN lockstep.change.old IS 'previous values of the columns that an update changed; the old key where an insert continues a row whose key was changed';
COMMENT ON COLUMN lockstep.change.omitted IS 'columns left out of the images, as their value has no JSON form';

-- Not dumped: segments are dumped as the ordinary tables they are, and maintain() enters those that it finds. Whatever they hold then is of an
-- earlier era, of which readers want nothing.
CREATE TABLE lockstep.segment (
	number integer PRIMARY KEY,
	relation regclass NOT NULL,
	opened_at timestamptz NOT NULL,
	closed_at timestamptz,
	first_era integer,
	last_era integer,
	first_xid xid8,
	last_xid xid8,
	first_seq bigint,
	last_seq bigint,
	first_at timestamptz,
	last_at timestamptz,
	changes bigint,
	bytes bigint,
	writers xid8[]
);
COMMENT ON TABLE lockstep.segment IS 'the segments of the change log: what each closed one holds, so that readers leave out those that cannot concern them';
COMMENT ON COLUMN lockstep.segment.number IS 'its number: the value of lockstep.change.segment';
COMMENT ON COLUMN lockstep.segment.relation IS 'its table';
COMMENT ON COLUMN lockstep.segment.opened_at IS 'when it was made, or found in a restored database';
COMMENT ON COLUMN lockstep.segment.closed_at IS 'when it was found that nobody can write to it any more; null while somebody can';
COMMENT ON COLUMN lockstep.segment.first_era IS 'the lowest era of its changes; this and what follows is null while it is open, or where it is empty';
COMMENT ON COLUMN lockstep.segment.last_era IS 'the highest era of its changes';
COMMENT ON COLUMN lockstep.segment.first_xid IS 'the lowest transaction number of its changes';
COMMENT ON COLUMN lockstep.segment.last_xid IS 'the highest transaction number of its changes';
COMMENT ON COLUMN lockstep.segment.first_seq IS 'the lowest number of its changes';
COMMENT ON COLUMN lockstep.segment.last_seq IS 'the highest number of its changes';
COMMENT ON COLUMN lockstep.segment.first_at IS 'when the first of its changes was logged';
COMMENT ON COLUMN lockstep.segment.last_at IS 'when the last of its changes was logged';
COMMENT ON COLUMN lockstep.segment.changes IS 'how many rows it holds; null while it is open';
COMMENT ON COLUMN lockstep.segment.bytes IS 'its size on disk with its indexes; null while it is open';

COMMENT ON COLUMN lockstep.segment.writers IS 'the transactions with changes in it, in ascending order: the last 10000, and all where there are fewer; null while it is open';

-- Not dumped either, for the same reason.
CREATE TABLE lockstep.retirement (
	position lockstep.position,
	last_at timestamptz,
	segments bigint NOT NULL,
	writers xid8[],
	writers_from xid8
);
COMMENT ON TABLE lockstep.retirement IS 'one row once segments were dropped: what a reader must have seen for the log to still hold all the rest';
COMMENT ON COLUMN lockstep.retirement.position IS 'a position that covers this one has seen all that is gone; null where all that is gone was of an earlier life of the database';
COMMENT ON COLUMN lockstep.retirement.last_at IS 'when the last change that is gone was logged';
COMMENT ON COLUMN lockstep.retirement.segments IS 'how many segments were dropped so far';
COMMENT ON COLUMN lockstep.retirement.writers IS 'transactions with changes that are gone: a position that has not seen one is answered with LS004';
COMMENT ON COLUMN lockstep.retirement.writers_from IS 'from this transaction on, writers names them all; of those before, a position must have seen all that the one here has seen';

CREATE TABLE lockstep.mutation (
	actor text NOT NULL,
	mutation text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	result jsonb,
	PRIMARY KEY (actor, mutation)
);
CREATE INDEX mutation_at_idx ON lockstep.mutation (at);
COMMENT ON TABLE lockstep.mutation IS 'writes of clients by the id they gave them, so that one sent twice is done once; kept for a day';

-- A dump takes along what the log means. Segments are ordinary tables and are dumped as such.
SELECT pg_catalog.pg_extension_config_dump('lockstep.tracked_table', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.table_name', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.partition', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.era', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.origin', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.origin_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.change_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.mutation', '');
