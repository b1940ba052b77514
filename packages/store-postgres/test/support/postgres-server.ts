import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Pool, type PoolConfig } from 'pg'
import { freePort } from '../../../../test-support/ports.ts'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

// Debian keeps the programs of each version in a folder of its own.
const folders = [
  ...versions('/usr/lib/postgresql').map(version => `/usr/lib/postgresql/${version}/bin`),
  ...(process.env['PATH'] ?? '').split(delimiter),
]
const needed = ['initdb', 'postgres', 'pg_basebackup']
const programs = folders.find(folder => needed.every(name => existsSync(join(folder, name))))

function versions(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted((a, b) => Number(b) - Number(a)) : []
}

/** Whether a server can be started. With FLEETCERT_REQUIRE_TOOLS=1 a missing one is an error, not a skip. */
export function hasPostgres(): boolean {
  if (programs === undefined && process.env['FLEETCERT_REQUIRE_TOOLS'] === '1') {
    throw new Error('postgres is not installed')
  }
  return programs !== undefined
}

/** A server of its own, on a free port of the loopback, with its data in a folder of its own. */
export interface PostgresServer {
  readonly port: number
  readonly url: string
  /** Its data. */
  readonly directory: string
  readonly pid: number
  /** A pool of connections, which ends with the server. */
  pool(config?: PoolConfig): Pool
  /** Asks a query over a connection of its own, as the superuser. */
  ask(text: string, values?: unknown[]): Promise<readonly Record<string, unknown>[]>
  /** Sets it up anew, and starts it again where that is needed. */
  configure(settings: Readonly<Record<string, string>>, needsStart?: boolean): Promise<void>
  /** Starts it again where each of its files may have so many octets, or any number: what is beyond is refused as on a full disk. */
  limitFiles(octets?: number): Promise<void>
  /** Ends it as a power cut would end its processes. */
  kill(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Ends it, and removes its data. */
  stop(): Promise<void>
}

const settings: Readonly<Record<string, string>> = {
  listen_addresses: "'127.0.0.1'",
  unix_socket_directories: "''",
  shared_buffers: '32MB',
  max_connections: '100',
  autovacuum: 'on',
}

/** PostgreSQL refuses to run as root: then as somebody else. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** Of settings, later ones win. With `like`, on a copy of that server's data, as its standby. */
export async function startPostgres(
  own: Readonly<Record<string, string>> = {},
  like?: PostgresServer,
): Promise<PostgresServer> {
  const folder = temporaryDirectory()
  const directory = join(folder.directory, 'data')
  mkdirSync(directory, { mode: 0o700 })
  if ('uid' in user) for (const path of [folder.directory, directory]) chownSync(path, user.uid!, user.gid!)
  if (like === undefined) {
    run('initdb', ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
  } else {
    run('pg_basebackup', [
      '-D',
      directory,
      '-d',
      like.url,
      '--write-recovery-conf',
      '--no-sync',
      '-X',
      'stream',
      '--checkpoint=fast',
    ])
  }
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  configureFile(directory, { ...settings, port: String(port), ...own })
  let child: ChildProcess | undefined
  let limit = 'unlimited'
  const pools: Pool[] = []

  const ended = (): boolean => child === undefined || child.exitCode !== null || child.signalCode !== null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (ended()) return
    const exited = once(child!, 'exit')
    child!.kill(signal)
    await exited
  }
  const start = async (): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      // In blocks of 512 octets.
      const command = ['-c', `ulimit -S -f ${limit}; exec "$@"`, 'sh', join(programs!, 'postgres'), '-D', directory]
      child = spawn('sh', command, { ...user, stdio: 'ignore' })
      await once(child, 'spawn')
      if (await isReady(url, ended)) return
      // After a kill, what is left of the one before has to end first.
      if (tries === 100) throw new Error('postgres does not start')
      await sleep(100)
    }
  }

  const restart = async (): Promise<void> => {
    await end('SIGINT')
    await start()
  }

  await start()
  return {
    port,
    url,
    directory,
    get pid() {
      return child!.pid!
    },
    pool(config = {}) {
      const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 20_000, ...config })
      pool.on('error', () => {})
      pools.push(pool)
      return pool
    },
    ask: (text, values = []) => askOnce(url, text, values),
    async configure(changed, needsStart = false) {
      configureFile(directory, changed)
      if (needsStart) await restart()
      else await askOnce(url, 'SELECT pg_reload_conf()')
    },
    async limitFiles(octets) {
      limit = octets === undefined ? 'unlimited' : String(octets / 512)
      await restart()
    },
    async kill() {
      // Its children end when they see that it has; on a busy machine one may answer before.
      const children = ended() ? [] : childrenOf(child!.pid!)
      await end('SIGKILL')
      for (const pid of children) killIfThere(pid)
    },
    start,
    async stop() {
      await Promise.all(pools.map(pool => pool.end().catch(() => {})))
      await end('SIGQUIT')
      folder.remove()
    },
  }
}

function run(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(join(programs!, name), args, { ...user, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name}: ${stderr}`)
}

function childrenOf(pid: number): readonly number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return (stdout ?? '').split('\n').map(Number).filter(Boolean)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Of a setting that is there twice, the last one counts. */
function configureFile(directory: string, changed: Readonly<Record<string, string>>): void {
  const lines = Object.entries(changed).map(([name, value]) => `${name} = ${value}\n`)
  appendFileSync(join(directory, 'postgresql.conf'), lines.join(''))
}

async function askOnce(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Whether it takes connections; not, if it ends before. */
async function isReady(url: string, hasEnded: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 1200; tries += 1) {
    if (hasEnded()) return false
    try {
      await askOnce(url, 'SELECT 1')
      return true
    } catch {
      await sleep(50)
    }
  }
  throw new Error('postgres does not answer')
}
