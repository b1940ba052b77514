import type { RedisArgument } from './redis-client.ts'
import { toPkiError } from './redis-error.ts'
import type { ServerOptions } from './server.ts'
import { storeUnavailable } from './store-errors.ts'

/**
 * Resolves once as many replicas as must have everything that was written before the call; rejects `ERR_PKI_STORE_UNAVAILABLE` when they do not in time. What was written stays written, and the same call again waits again.
 *
 * One question at a time: all that is written meanwhile shares the next one. `WAIT` asks for the last write of its own connection, and a connection may be new. So each question begins with a small write, behind which
 * everything earlier lies in the order of replication.
 */
export function replicaConfirmation(
  send: (args: RedisArgument[]) => Promise<unknown>,
  { base, timeoutSeconds, replicas }: ServerOptions,
): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  const ask = async (): Promise<void> => {
    next = undefined
    // A little earlier than the caller's patience ends, so that the answer says what was missing.
    const milliseconds = Math.max(1, Math.floor(timeoutSeconds * 800))
    // Sent together, so over one connection.
    const [, count] = await Promise.all([
      send(['SET', `${base}z`, '1']),
      send(['WAIT', String(replicas), String(milliseconds)]),
    ]).catch((error: unknown) => {
      throw toPkiError(error)
    })
    if (Number(count) < replicas) throw storeUnavailable('too few replicas have what was written')
  }

  return () => {
    if (next === undefined) {
      next = running.then(ask)
      running = next.catch(() => {})
    }
    return next
  }
}
