import { replyCode, toPkiError } from './redis-error.ts'
import { listOf } from './replies.ts'
import type { Server } from './server.ts'
import { storeUnavailable } from './store-errors.ts'

/**
 * What the server must do with what it was told:
 * `everysec`: an append-only file that is on the disk within a second, or at once: a power cut may lose the last second;
 * `always`: an append-only file that is on the disk before the answer;
 * `declared`: where the server does not say how it is set up (CONFIG is forbidden on many managed ones), the operator does.
 */
export type Durability = 'everysec' | 'always' | 'declared'

/** What a server says about itself without CONFIG. */
export interface ServerFacts {
  readonly role: string
  /** `1` or `0`. */
  readonly appendOnly: string
  readonly evictionPolicy: string
}

/** Rejects `ERR_PKI_STORE_UNAVAILABLE` unless the server keeps what it is told as it must. Resolves how soon it is on the disk. */
export async function assertDurable(
  server: Server,
  facts: ServerFacts,
  durability: Durability,
): Promise<'always' | 'everysec' | 'declared'> {
  if (facts.role !== 'master') throw storeUnavailable('the server is a replica, which takes no writes')
  // Whatever else may be declared: a server that drops keys forgets revocations.
  if (facts.evictionPolicy !== 'noeviction') throw storeUnavailable('maxmemory-policy must be noeviction')
  if (durability === 'declared') return 'declared'
  if (facts.appendOnly !== '1') throw storeUnavailable('the append-only file is off: set appendonly yes')
  const appendFsync = await readSetting(server, 'appendfsync')
  if (appendFsync === 'always') return 'always'
  if (durability === 'always') throw storeUnavailable('appendfsync must be always')
  if (appendFsync !== 'everysec') throw storeUnavailable('appendfsync must be everysec or always')
  return 'everysec'
}

async function readSetting(server: Server, name: string): Promise<string> {
  try {
    const reply = await server.ask('CONFIG', 'GET', name)
    const values =
      reply instanceof Map ? [...reply].flat() : isRecord(reply) ? Object.entries(reply).flat() : listOf(reply)
    return String(values[1])
  } catch (error) {
    const code = replyCode(error)
    if (code !== 'ERR' && code !== 'NOPERM') throw toPkiError(error)
    throw storeUnavailable("CONFIG is forbidden: say durability 'declared' once the operator knows that it is durable")
  }
}

function isRecord(reply: unknown): reply is Readonly<Record<string, unknown>> {
  return typeof reply === 'object' && reply !== null && !Array.isArray(reply) && !Buffer.isBuffer(reply)
}
