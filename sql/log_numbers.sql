-- Numbers of changes ascend, whoever has a hand in their sequence; most come from shared memory, many of one reservation.
CREATE TABLE numbered (id integer PRIMARY KEY, v integer);
SELECT lockstep.track('numbered');
CREATE FUNCTION last_number() RETURNS bigint LANGUAGE sql AS $$ SELECT max(seq) FROM lockstep.change WHERE root = 'numbered'::regclass $$;
INSERT INTO numbered VALUES (1, 0);
SELECT last_number() AS before, last_value AS stand FROM lockstep.change_seq \gset
INSERT INTO numbered VALUES (2, 0);
SELECT last_number() - :before AS next, last_value - :stand AS moved FROM lockstep.change_seq;
-- nextval() by hand
SELECT nextval('lockstep.change_seq') AS drawn \gset
UPDATE numbered SET v = 1 WHERE id = 1;
SELECT last_number() > :drawn + 1023 AS "after nextval()";
-- setval(), as while a dump is restored
SELECT setval('lockstep.change_seq', last_value + 12345678) AS set FROM lockstep.change_seq \gset
UPDATE numbered SET v = 2 WHERE id = 1;
SELECT last_number() > :set AS "after setval()";
SELECT setval('lockstep.change_seq', last_value + 12345678, false) AS set FROM lockstep.change_seq \gset
UPDATE numbered SET v = 3 WHERE id = 1;
SELECT last_number() = :set AS "after setval() for the next";
-- a new file for the sequence, rolled back and not
SELECT last_value AS stand, last_value + 12345678 AS restart FROM lockstep.change_seq \gset
BEGIN;
ALTER SEQUENCE lockstep.change_seq RESTART :restart;
UPDATE numbered SET v = 4 WHERE id = 1;
SELECT lockstep.position() IS NOT NULL;
ROLLBACK;
SELECT last_number() AS before \gset
UPDATE numbered SET v = 5 WHERE id = 1;
SELECT last_number() > :before AS ascends, last_number() < :restart AS "as if nothing had been";
ALTER SEQUENCE lockstep.change_seq RESTART :restart;
UPDATE numbered SET v = 6 WHERE id = 1;
SELECT last_number() >= :restart AS "after RESTART";
-- more than one batch, and more than one reservation
INSERT INTO numbered SELECT n, 0 FROM generate_series(10, 70009) n;
SELECT count(*) = count(DISTINCT seq) AS "distinct", count(*), max(seq) = last_number() AS last FROM lockstep.change WHERE root = 'numbered'::regclass AND op = 'i';
UPDATE numbered SET v = 7 WHERE id = 1;
SELECT bool_and(seq > before) AS ascending FROM (SELECT seq, lag(seq) OVER (ORDER BY version) AS before FROM lockstep.change WHERE root = 'numbered'::regclass AND key_hash = 1) s WHERE before IS NOT NULL;
DROP FUNCTION last_number();
DROP TABLE numbered;
