import { PkiError } from '@fleetcert/core'
import { flagOf, numberOf, type Row, textOf } from './columns.ts'
import { migrations } from './migrations.ts'
import type { Server } from './server.ts'
import { functions } from './sql/functions.ts'
import { storeCorrupt, storeUnavailable } from './store-errors.ts'

/**
 * Whether the server says that it keeps what it commits:
 * `checked`: it must, and is asked;
 * `declared`: where it cannot say so truly (a file system that writes whole pages, a storage layer of a cloud), the operator does.
 */
export type Durability = 'checked' | 'declared'

/** Rises with every step of the tables and every change of the functions. */
export const schemaVersion: number = migrations.length

/** Looks at what is there, and makes what is missing. Nothing is written to a server that is not durable, or to a fleet that a newer version has written. `schema` is the schema's name. */
export async function openServer(server: Server, schema: string, durability: Durability): Promise<void> {
  const known = await look(server, schema, durability)
  if (known === schemaVersion) return
  await server.ask(migration(schema))
  if ((await look(server, schema, durability)) !== schemaVersion) throw storeUnavailable('the schema was not made')
}

/** Resolves the version that is there, 0 for none. */
async function look(server: Server, schema: string, durability: Durability): Promise<number> {
  const [facts] = await server.ask(
    `SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(), current_setting('fsync')::boolean,
       current_setting('full_page_writes')::boolean, current_setting('server_encoding'),
       current_setting('default_transaction_isolation'), current_setting('bytea_output'), to_regclass($1) IS NOT NULL,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = $2))`,
    `${quoted(schema)}.fleet`,
    schema,
  )
  if (facts === undefined) throw storeUnavailable('the server says nothing of itself')
  const [version, isStandby, , , , , , hasFleet, hasTables] = facts
  if (numberOf(version) < 140_000) throw storeUnavailable('PostgreSQL 14 or newer is needed')
  // Before the others: its settings are those of another server.
  if (flagOf(isStandby)) throw storeUnavailable('the server is a standby, which takes no writes')
  if (!flagOf(hasFleet) && flagOf(hasTables)) throw storeCorrupt('the schema holds something else')
  const found = flagOf(hasFleet) ? await readVersion(server) : 0
  if (found > schemaVersion) throw new PkiError('ERR_PKI_STORE_SCHEMA', { found, supported: schemaVersion })
  assertSetUp(facts, durability)
  return found
}

async function readVersion(server: Server): Promise<number> {
  const [row] = await server.ask('SELECT f.schema_version FROM @.fleet f')
  return row === undefined ? 0 : numberOf(row[0])
}

function assertSetUp([, , fsync, fullPageWrites, encoding, isolation, octets]: Row, durability: Durability): void {
  if (textOf(encoding) !== 'UTF8') throw storeUnavailable('the encoding of the database must be UTF8')
  if (textOf(isolation) !== 'read committed') {
    throw storeUnavailable('default_transaction_isolation must be read committed')
  }
  if (textOf(octets) !== 'hex') throw storeUnavailable('bytea_output must be hex')
  if (durability === 'declared') return
  if (!flagOf(fsync)) throw storeUnavailable('fsync is off: a crash would lose the fleet')
  if (!flagOf(fullPageWrites)) throw storeUnavailable('full_page_writes is off: a crash may damage the fleet')
}

/** One statement, which is one transaction: the steps that are missing, and the functions. Of several processes that come at once, the first one does it. */
function migration(schema: string): string {
  const steps = migrations.map((step, index) => `IF v_version < ${index + 1} THEN EXECUTE ${literal(step)}; END IF;`)
  return `DO ${literal(`
    DECLARE
      v_version bigint := 0;
    BEGIN
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      PERFORM pg_advisory_xact_lock(hashtextextended(${literal(`fleetcert ${schema}`)}, 0));
      IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
      IF to_regnamespace(${literal(quoted(schema))}) IS NULL THEN CREATE SCHEMA ${quoted(schema)}; END IF;
      IF to_regclass(${literal(`${quoted(schema)}.fleet`)}) IS NULL THEN
        CREATE TABLE @.fleet (schema_version bigint NOT NULL);
        INSERT INTO @.fleet (schema_version) VALUES (0);
      END IF;
      SELECT f.schema_version INTO v_version FROM @.fleet f;
      IF v_version >= ${schemaVersion} THEN RETURN; END IF;
      ${steps.join('\n')}
      EXECUTE ${literal(functions)};
      UPDATE @.fleet SET schema_version = ${schemaVersion};
    END`)}`
}

/** A name as an identifier of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Text as a literal of SQL, whatever `standard_conforming_strings` says. */
function literal(text: string): string {
  return ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
