import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type RedisServer, startCommand, startRedis } from './redis-server.ts'

/** A master and a replica, watched by one sentinel, who makes the replica the master when the master is gone for a second. */
export interface SentinelGroup {
  readonly name: string
  readonly sentinel: { readonly host: string; readonly port: number }
  readonly master: RedisServer
  readonly replica: RedisServer
  /** Host and port of the master, as the sentinel sees it. */
  currentMaster(): Promise<unknown>
  stop(): Promise<void>
}

export async function startSentinel(): Promise<SentinelGroup> {
  const name = 'fleet'
  const started: RedisServer[] = []
  const keep = (server: RedisServer): RedisServer => {
    started.push(server)
    return server
  }
  const stop = async (): Promise<void> => {
    for (const server of started.toReversed()) await server.stop()
  }
  try {
    const master = keep(await startRedis())
    const replica = keep(await startRedis('--replicaof', '127.0.0.1', String(master.port)))
    await until(replica, 'replication', 'master_link_status:up')
    const port = await freePort()
    const file = `${master.directory}/sentinel.conf`
    writeFileSync(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${master.directory}`,
        `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
        `sentinel down-after-milliseconds ${name} 1000`,
        `sentinel failover-timeout ${name} 5000`,
        '',
      ].join('\n'),
    )
    const sentinel = keep(await startCommand(['redis-server', file, '--sentinel'], port, master.directory))
    await until(sentinel, 'sentinel', 'slaves=1')
    return {
      name,
      sentinel: { host: '127.0.0.1', port },
      master,
      replica,
      currentMaster: () => sentinel.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function until(server: RedisServer, section: string, text: string): Promise<void> {
  for (let tries = 0; !String(await server.ask('INFO', section)).includes(text); tries++) {
    if (tries === 400) throw new Error(`no ${text}`)
    await sleep(50)
  }
}
