import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { createClient, type RedisClientType } from 'redis'
import { type RedisServer, startRedis } from '../../packages/store-redis/test/support/redis-server.ts'

type None = Record<never, never>

/** A client of node-redis as a user makes it. */
export type BenchClient = RedisClientType<None, None, None, 3>

function clientOf(url: string): BenchClient {
  const client = createClient({ url })
  client.on('error', () => {})
  return client
}

/** What a benchmark has started, ended in reverse order. */
export interface Started extends AsyncDisposable {
  /** A folder of its own. */
  folder(): string
  /** A Redis of its own. */
  redis(appendfsync?: 'everysec' | 'always'): Promise<RedisServer>
  /** A client of its own. */
  client(url: string): Promise<BenchClient>
  /** Remembers what is to be ended. */
  later(end: () => unknown): void
}

export function startedThings(): Started {
  const endings: (() => unknown)[] = []
  const later = (end: () => unknown): void => {
    endings.push(end)
  }
  return {
    later,
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
      later(() => rmSync(folder, { recursive: true, force: true }))
      return folder
    },
    async redis(appendfsync = 'everysec') {
      const server = await startRedis('--appendfsync', appendfsync)
      later(() => server.stop())
      return server
    },
    async client(url) {
      const client = clientOf(url)
      await client.connect()
      later(() => client.destroy())
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const end of endings.splice(0).toReversed()) await end()
    },
  }
}

/** In a folder whose fleet is in a Redis: where that is. */
const redisNote = 'redis-url'

/** Says that the fleet of a folder is in a Redis. */
export function noteRedis(folder: string, url: string): void {
  writeFileSync(join(folder, redisNote), url)
}

/** The store of a folder's fleet: the file in it, or the Redis that it names, over a client that ends with the process. */
export async function storeOfFolder(folder: string): Promise<Store> {
  const note = join(folder, redisNote)
  if (!existsSync(note)) return sqliteStore({ file: join(folder, 'fleet.db') })
  const client = clientOf(readFileSync(note, 'utf8'))
  await client.connect()
  client.unref()
  return redisStore({ client, durability: 'everysec' })
}

/** Processor time of another process so far, microseconds. Linux alone. */
export function processorTime(pid: number): number {
  // proc(5): the name may hold anything, and ends with the last parenthesis; utime and stime are in ticks of 10 ms.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** That of this process with all its threads, and of a server. */
export function processorTimeWith(server?: RedisServer): number {
  const { user, system } = process.cpuUsage()
  return user + system + (server === undefined ? 0 : processorTime(server.pid))
}
