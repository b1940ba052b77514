import type { Connection } from './connection.ts'
import type { RedisArgument } from './redis-client.ts'
import { replyCode, toPkiError } from './redis-error.ts'
import { replicaConfirmation } from './replica-confirmation.ts'
import { guarded, type Script } from './script.ts'
import { storeUnavailable } from './store-errors.ts'

/** The server as the store's operations see it. */
export interface Server {
  /** Runs a script that writes, while a fleet is at work; it is sent when the server does not know it. Resolves once as many replicas have it as must. */
  run(script: Script, ...args: RedisArgument[]): Promise<unknown>
  /** The same, also while the fleet has moved or is not whole. */
  runAnyway(script: Script, ...args: RedisArgument[]): Promise<unknown>
  /** Runs a script that only reads. */
  read(script: Script, ...args: RedisArgument[]): Promise<unknown>
  /** Sends a command of one key of the fleet. */
  command(name: string, key: string, ...args: RedisArgument[]): Promise<unknown>
  /** Sends a command that is about the server. */
  ask(...args: RedisArgument[]): Promise<unknown>
  /** Resolves when every command has its answer, or was given up. */
  settled(): Promise<void>
}

export interface ServerOptions {
  /** What every key of the fleet begins with. */
  readonly base: string
  readonly timeoutSeconds: number
  /** How many replicas must have a write before it resolves. */
  readonly replicas: number
}

/** What a server says to a command behind `MULTI`, which is done later, or never. No script answers that. */
function isQueued(answer: unknown): boolean {
  return (Buffer.isBuffer(answer) || typeof answer === 'string') && String(answer) === 'QUEUED'
}

export function serverOf(connection: Connection, { base, timeoutSeconds, replicas }: ServerOptions): Server {
  let pending = 0
  /** When the server last answered anything, or its connection was given up. */
  let heardAt = Number.NEGATIVE_INFINITY
  const settled: (() => void)[] = []

  // A client may wait for its server without end, and may never learn that a connection is dead.
  const send = (args: RedisArgument[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      let isPending = true
      const sentAt = performance.now()
      pending += 1
      const end = (): void => {
        clearTimeout(timer)
        if (!isPending) return
        isPending = false
        pending -= 1
        if (pending === 0) for (const tell of settled.splice(0)) tell()
      }
      const timer = setTimeout(() => {
        end()
        reject(storeUnavailable('the server did not answer in time'))
        // The other end may be gone without a word: the system would find out after a quarter of an hour, and both clients wait for it.
        if (heardAt < sentAt) {
          heardAt = performance.now()
          connection.renew()
        }
      }, timeoutSeconds * 1000)
      const fail = (error: unknown): void => {
        if (replyCode(error) !== undefined) heardAt = performance.now()
        end()
        reject(error)
      }
      try {
        connection.command(base, args).then(answer => {
          heardAt = performance.now()
          end()
          if (isQueued(answer)) reject(storeUnavailable('the client is inside a transaction of its owner'))
          else resolve(answer)
        }, fail)
      } catch (error) {
        fail(error)
      }
    })

  const read: Server['read'] = async (script, ...args) => {
    try {
      return await send(['EVALSHA', script.digest, '1', base, ...args])
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw toPkiError(error)
    }
    // A server that was started again, or another node of the cluster, has to be told.
    try {
      return await send(['EVAL', script.source, '1', base, ...args])
    } catch (error) {
      throw toPkiError(error)
    }
  }
  const confirm = replicas === 0 ? undefined : replicaConfirmation(send, { base, timeoutSeconds, replicas })

  const runAnyway: Server['runAnyway'] = async (script, ...args) => {
    const answer = await read(script, ...args)
    await confirm?.()
    return answer
  }

  return {
    read,
    run: (script, ...args) => runAnyway(guarded(script), ...args),
    runAnyway,
    async command(name, key, ...args) {
      try {
        return await send([name, Buffer.concat([Buffer.from(base), Buffer.from(key, 'latin1')]), ...args])
      } catch (error) {
        throw toPkiError(error)
      }
    },
    ask: (...args) => send(args),
    settled: () => new Promise(resolve => (pending === 0 ? resolve() : settled.push(resolve))),
  }
}
