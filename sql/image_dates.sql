-- Dates and timestamps in an image are what to_jsonb() makes of them in UTC, in every year and whatever the session's settings.
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German';
CREATE TABLE moment AS
SELECT t, t AT TIME ZONE 'UTC' AS u, (t AT TIME ZONE 'UTC')::date AS d FROM (
	SELECT timestamptz '0001-01-01 00:00+00' + n * interval '17 days 3 hours 11.000007 s' * 1.001 FROM generate_series(0, 220000, 37) n
	UNION ALL VALUES (timestamptz 'infinity'), ('-infinity'), ('0001-12-31 23:59:59.999999+00 BC'), ('0001-01-01 00:00+00'), ('9999-12-31 23:59:59.999999+00'),
		('10000-01-01 00:00+00'), ('294276-12-31 23:59:59.999999+00'), ('2000-01-01 00:00+00'), ('1999-12-31 23:59:59.999999+00'), ('2024-02-29 12:00:00.5+00')) m (t);
SELECT count(*), count(*) FILTER (WHERE i ->> 'd' = 'infinity') AS infinite, min(i ->> 't') FROM (SELECT lockstep.image(m) AS i FROM moment m) x;
CREATE TEMPORARY TABLE ours AS SELECT ctid AS row, lockstep.image(m) AS image FROM moment m;
SET timezone = 'UTC';
SELECT count(*) AS differ FROM moment m JOIN ours ON ours.row = m.ctid WHERE ours.image <> to_jsonb(m);
RESET timezone;
RESET datestyle;
DROP TABLE moment, ours;
