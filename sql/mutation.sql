-- Writes that are sent twice.
SET client_min_messages = warning;
-- The first time: NULL, to be done. Its result is there afterwards.
BEGIN;
SELECT lockstep.mutation_begin('regress ann', 'm1') IS NULL AS "to be done";
SELECT lockstep.mutation_end('regress ann', 'm1', '{"version": 2}');
COMMIT;
SELECT lockstep.mutation_begin('regress ann', 'm1');
SELECT lockstep.mutation_begin('regress ann', 'm1');
-- Per actor, and per id.
BEGIN;
SELECT lockstep.mutation_begin('regress bob', 'm1') IS NULL AS "to be done";
SELECT lockstep.mutation_begin('regress ann', 'm2') IS NULL AS "to be done";
ROLLBACK;
-- What was rolled back is to be done again.
SELECT lockstep.mutation_begin('regress bob', 'm1') IS NULL AS "to be done";
-- In the same transaction, too.
BEGIN;
SELECT lockstep.mutation_begin('regress ann', 'm3') IS NULL AS "to be done";
SELECT lockstep.mutation_end('regress ann', 'm3', '[1, "two"]');
SELECT lockstep.mutation_begin('regress ann', 'm3');
SAVEPOINT a;
SELECT lockstep.mutation_begin('regress ann', 'm4') IS NULL AS "to be done";
SELECT lockstep.mutation_end('regress ann', 'm4', '{}');
ROLLBACK TO a;
SELECT lockstep.mutation_begin('regress ann', 'm4') IS NULL AS "to be done";
ROLLBACK;
-- Done without a result is done.
SELECT lockstep.mutation_begin('regress ann', 'm5') IS NULL AS "to be done";
SELECT lockstep.mutation_begin('regress ann', 'm5');
-- NULL is no name: the answer NULL would mean that it is to be done.
SELECT lockstep.mutation_begin(NULL, 'm1');
SELECT lockstep.mutation_begin('regress ann', NULL);
-- Odd names.
SELECT lockstep.mutation_begin('', '') IS NULL AS "to be done";
SELECT lockstep.mutation_end('', '', '0');
SELECT lockstep.mutation_begin('', '');
SELECT lockstep.mutation_begin('regress '' "', repeat('long ', 500)) IS NULL AS "to be done";

-- Kept for a day.
UPDATE lockstep.mutation SET at = at - interval '23 hours' WHERE actor = 'regress ann' AND mutation = 'm1';
SELECT lockstep.maintain();
SELECT lockstep.mutation_begin('regress ann', 'm1');
UPDATE lockstep.mutation SET at = at - interval '2 hours' WHERE actor = 'regress ann' AND mutation = 'm1';
SELECT lockstep.maintain();
SELECT lockstep.mutation_begin('regress ann', 'm1') IS NULL AS "to be done";
DELETE FROM lockstep.mutation WHERE actor LIKE 'regress%' OR actor = '';
