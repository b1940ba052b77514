import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort as anyFreePort } from '../../../../test-support/ports.ts'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/sbin'].join(delimiter)

/** A server of its own, on a free port of the loopback, with an append-only file in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly directory: string
  readonly pid: number
  /** Ends it as a power cut would end the process. */
  kill(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Sends a command over a connection of its own and resolves the reply. */
  ask(...args: string[]): Promise<unknown>
  /** Ends it, and removes its data. */
  stop(): Promise<void>
}

/** Of settings, later ones win. */
export function startRedis(...settings: string[]): Promise<RedisServer> {
  return startRedisBy([], settings)
}

/** As {@link startRedis}, started by another program: its name and arguments, to which those of the server are added. */
export async function startRedisBy(
  starter: readonly string[],
  settings: readonly string[],
  program = 'redis-server',
): Promise<RedisServer> {
  const folder = temporaryDirectory()
  const port = await freePort()
  const basics = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.directory, '--save', '']
  const kept = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']
  const command = [...starter, program, ...basics, ...kept, ...settings]
  return startCommand(command, port, folder.directory, () => folder.remove())
}

/** Starts a server by its whole command, and resolves when it answers on that port. */
export async function startCommand(
  command: readonly string[],
  port: number,
  directory: string,
  remove: () => void = () => {},
): Promise<RedisServer> {
  let child: ChildProcess | undefined
  const url = `redis://127.0.0.1:${port}`

  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  const start = async (): Promise<void> => {
    const [program, ...args] = command
    const started = spawn(program!, args, { env: { ...process.env, PATH: path }, stdio: 'ignore' })
    child = started
    await once(started, 'spawn')
    await untilReady(url, () => started.exitCode !== null)
  }

  await start()
  return {
    port,
    url,
    directory,
    get pid() {
      return child!.pid!
    },
    kill,
    start,
    async ask(...args) {
      const client = createClient({ url, socket: { reconnectStrategy: false } })
      client.on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(args)
      } finally {
        client.destroy()
      }
    },
    async stop() {
      await kill()
      remove()
    },
  }
}

async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (hasEnded()) throw new Error('redis-server has ended')
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      await client.connect()
      if ((await client.ping()) === 'PONG') return
    } catch {
      await sleep(25)
    } finally {
      client.destroy()
    }
  }
  throw new Error('redis-server does not answer')
}

/** A port that nobody listens on, and, for a cluster's bus, none 10,000 above either. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await anyFreePort()
    if (port < 55_000) return port
  }
}
