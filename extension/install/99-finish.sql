-- A worker for this database, once the extension is there.
SELECT lockstep.request_worker();

-- What is internal is nobody else's to call.
DO $$
DECLARE
	internal regprocedure;
BEGIN
	FOR internal IN
		SELECT p.oid FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'lockstep'::pg_catalog.regnamespace
			AND pg_catalog.obj_description(p.oid, 'pg_proc') OPERATOR(pg_catalog.~~) 'internal:%'
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', internal);
	END LOOP;
END
$$;
