import { join } from 'node:path'
import { memoryKeyring, openFleet, type Store } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { hasPostgres, startPostgres } from '../../packages/store-postgres/test/support/postgres-server.ts'
import { issue } from './issue.ts'
import { type Contestant, formatTable, measureInTurn } from './measure.ts'
import { makeSamples } from './samples.ts'
import { processorTimeWith, startedThings } from './store-servers.ts'

const callers = 64
const sqlite = 'SQLite (synchronous=FULL)'

/** Durable issuing by 64 callers on each store, CSR to certificate. */
export async function benchStoreIssue(count: number, rounds: number): Promise<string> {
  await using started = startedThings()
  const samples = await makeSamples(count)
  const contestants: Contestant[] = []
  const add = async (name: string, store: Store, cpu?: () => number): Promise<void> => {
    const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false })
    started.later(() => fleet.close())
    contestants.push({ name, count, run: issue(fleet, samples, callers), ...(cpu && { cpu }) })
  }
  await add(sqlite, sqliteStore({ file: join(started.folder(), 'fleet.db') }), processorTimeWith)
  for (const durability of ['everysec', 'always'] as const) {
    const server = await started.redis(durability)
    const client = await started.client(server.url)
    await add(`Redis, appendfsync ${durability}`, redisStore({ client, durability }), () => processorTimeWith(server))
  }
  if (hasPostgres()) {
    const server = await startPostgres()
    started.later(() => server.stop())
    await add('PostgreSQL', postgresStore({ pool: server.pool({ connectionTimeoutMillis: 5000 }) }))
  } else process.stderr.write('postgres is not installed: its row is missing\n')
  return formatTable(await measureInTurn(contestants, rounds), [sqlite])
}
