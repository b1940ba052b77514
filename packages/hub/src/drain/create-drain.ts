import { setTimeout as sleep } from 'node:timers/promises'
import { checkNames, type KnownNames } from '@fleetcert/core'
import { settleWithin } from '../exchange/settle-within.ts'
import type { Drain, DrainedServer, DrainOptions } from './drain.ts'

const optionNames: KnownNames<DrainOptions> = { noticeSeconds: true, deadlineSeconds: true }
/** So often connections are looked for that have fallen idle behind the last request. */
const lookMilliseconds = 50

/**
 * Lets a process be restarted under load without one failed request.
 *
 * @example
 * const drain = createDrain()
 * const hub = createHub({ fleet, auth, authorize, broker, drain })
 * const server = createServer({ keepAliveTimeout: 65_000 }, toNodeHandler(hub)).listen(3000)
 * process.once('SIGTERM', async () => {
 *   await drain.end(server)
 *   await fleet.close()
 * })
 */
export function createDrain(): Drain {
  let ended: Promise<void> | undefined
  return {
    get isDraining() {
      return ended !== undefined
    },
    async end(servers, options = {}) {
      ended ??= endServers(checkedServers(servers), checkedTimes(options))
      return ended
    },
  }
}

async function endServers(
  servers: readonly DrainedServer[],
  { noticeSeconds, deadlineSeconds }: Required<DrainOptions>,
): Promise<void> {
  for (const server of servers) {
    // Before the application's own listener: it may answer at once.
    server.prependListener('request', ({ httpVersionMajor }, response) => {
      if (httpVersionMajor === 1 && !response.headersSent) response.setHeader('connection', 'close')
    })
  }
  await sleep(noticeSeconds * 1000)
  await Promise.all(servers.map(server => close(server, deadlineSeconds * 1000)))
}

async function close(server: DrainedServer, deadlineMilliseconds: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  // An answer that was begun before the notice has promised to keep its connection.
  const look = setInterval(() => server.closeIdleConnections?.(), lookMilliseconds)
  try {
    await settleWithin(deadlineMilliseconds, closed, () => server.closeAllConnections?.())
  } finally {
    clearInterval(look)
  }
}

function checkedServers(servers: DrainedServer | readonly DrainedServer[]): readonly DrainedServer[] {
  const list = Array.isArray(servers) ? (servers as readonly DrainedServer[]) : [servers as DrainedServer]
  for (const server of list) {
    if (typeof server?.close !== 'function' || typeof server.prependListener !== 'function') {
      throw new TypeError('drain.end: servers: expected a server of node:http or node:https, or several')
    }
  }
  return list
}

function checkedTimes(options: DrainOptions): Required<DrainOptions> {
  checkNames('drain.end', options, optionNames)
  const { noticeSeconds = 5, deadlineSeconds = 30 } = options
  for (const [name, value] of Object.entries({ noticeSeconds, deadlineSeconds })) {
    if (!(value >= 0 && value <= 3600)) throw new RangeError(`drain.end: ${name}: expected 0 to 3600`)
  }
  return { noticeSeconds, deadlineSeconds }
}
