import type { Pool } from 'pg'

/** Empties a schema, as if there had never been a fleet in it: faster than to make another one. */
export async function forgetFleet(pool: Pool, schema: string): Promise<void> {
  await pool.query(`DO $$
    DECLARE
      v_name text;
    BEGIN
      FOR v_name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'r' AND c.relname <> 'fleet' LOOP
        EXECUTE 'DELETE FROM ' || v_name;
      END LOOP;
      FOR v_name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'S' LOOP
        PERFORM setval(v_name, 1, false);
      END LOOP;
      UPDATE ${schema}.fleet SET state = 'open', note = '', newest_at = NULL, fleet_id = DEFAULT;
    END $$`)
}
