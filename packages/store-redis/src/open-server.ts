import { randomBytes } from 'node:crypto'
import { PkiError } from '@fleetcert/core'
import { assertDurable, type Durability } from './durability.ts'
import { listOf, textOf } from './replies.ts'
import { mark } from './scripts/mark.ts'
import { open } from './scripts/open.ts'
import type { Server } from './server.ts'
import { storeCorrupt, storeUnavailable } from './store-errors.ts'

/** Rises with every change of how data is laid out. */
export const schemaVersion = 1

/** Looks at what is there, and begins where there is nothing. Nothing is written to a server that is not durable, or to a fleet that a newer version has written. Resolves how durable it is. */
export async function openServer(server: Server, durability: Durability): Promise<'always' | 'everysec' | 'declared'> {
  const [known, version, role, appendOnly, evictionPolicy] = listOf(await server.read(open)).map(textOf)
  assertVersion(version!)
  if (known !== undefined && known !== '') assertSchema(known)
  const kept = await assertDurable(
    server,
    { role: role!, appendOnly: appendOnly!, evictionPolicy: evictionPolicy! },
    durability,
  )
  assertSchema(textOf(await server.runAnyway(mark, String(schemaVersion), randomBytes(16).toString('hex'))))
  return kept
}

/** Scripts use what came with 6.2. Valkey calls itself the Redis that it is compatible with. */
function assertVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.', 2).map(Number)
  if (!(major > 6 || (major === 6 && minor >= 2))) throw storeUnavailable('Redis 6.2 or newer is needed')
}

function assertSchema(known: string): void {
  const found = Number(known)
  if (!Number.isSafeInteger(found) || found < 1) throw storeCorrupt('the version of the schema is no number')
  if (found > schemaVersion) throw new PkiError('ERR_PKI_STORE_SCHEMA', { found, supported: schemaVersion })
}
