import { setTimeout as sleep } from 'node:timers/promises'
import { memoryKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, hasTool, runTool } from '../../../test-support/tools.ts'
import { ioredis, nodeRedis } from './support/clients.ts'
import { type FleetUnderLoad, fleetUnderLoad } from './support/fleet-under-load.ts'
import { type FaultyProxy, startProxy } from './support/proxy.ts'
import { type RedisServer, startRedis, startRedisBy } from './support/redis-server.ts'

/** Of a fleet, its server, and the network between them. */
interface Parts {
  readonly redis: RedisServer
  readonly proxy: FaultyProxy
}

interface Fault {
  readonly name: string
  begin(parts: Parts): unknown
  end(parts: Parts): unknown
}

/** Nothing is answered. */
const away: readonly Fault[] = [
  {
    name: 'is killed, and started again on its append-only file',
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.start(),
  },
  {
    name: 'is stopped, and goes on',
    begin: ({ redis }) => void process.kill(redis.pid, 'SIGSTOP'),
    end: ({ redis }) => void process.kill(redis.pid, 'SIGCONT'),
  },
  { name: 'is cut off', begin: ({ proxy }) => proxy.cut(true), end: ({ proxy }) => proxy.cut(false) },
  { name: 'is slower than is waited for', begin: ({ proxy }) => proxy.delay(2000), end: ({ proxy }) => proxy.delay(0) },
]

/** Questions are answered, and nothing is written. */
const readable: readonly (Fault & { readonly reason: string })[] = [
  {
    name: 'is out of memory',
    reason: 'the server is out of memory',
    begin: ({ redis }) => redis.ask('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ redis }) => redis.ask('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    name: 'has become a replica',
    reason: 'the server is a replica, which takes no writes',
    // Of a master that is nowhere: what it has stays.
    begin: ({ redis }) => redis.ask('REPLICAOF', '127.0.0.1', '1'),
    end: ({ redis }) => redis.ask('REPLICAOF', 'NO', 'ONE'),
  },
]

const unavailable = { code: 'ERR_PKI_STORE_UNAVAILABLE' }
const timeoutSeconds = 1

describeWith(['redis-server'], 'a fleet under load whose Redis', () => {
  let parts: Parts
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const start = async (redis: RedisServer): Promise<void> => {
    closing.push(() => redis.stop())
    const proxy = await startProxy(redis.port)
    closing.push(() => proxy.close())
    parts = { redis, proxy }
  }
  beforeEach(async () => start(await startRedis()))

  const load = async (connect = nodeRedis): Promise<FleetUnderLoad> => {
    const connected = await connect(parts.proxy.url)
    closing.push(() => connected.close())
    const store = redisStore({ client: connected.client, durability: 'everysec', timeoutSeconds })
    const loaded = await fleetUnderLoad(store)
    closing.push(() => loaded.close())
    await loaded.untilEnrolled(10)
    return loaded
  }
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await sleep(20)
  }
  /** Nobody restarts anything, and nothing that was resolved is lost: neither enrolments nor the end of the one that was revoked. */
  const expectHealed = async (loaded: FleetUnderLoad): Promise<void> => {
    await loaded.untilEnrolled(10)
    await until(async () => (await loaded.decideOnKnown()).result === 'allow')
    await until(async () => (await loaded.decideOnNew()).result === 'allow')
    await loaded.rest()
    expect(await loaded.decideOnRevoked()).toMatchObject({ result: 'deny', reason: 'revoked' })
    for (const error of loaded.rejected) expect(error).toMatchObject(unavailable)
    // By another process, which has nothing in memory.
    const direct = await nodeRedis(parts.redis.url)
    try {
      const fleet = await openFleet({
        store: redisStore({ client: direct.client, durability: 'everysec' }),
        keyring: memoryKeyring(),
        background: false,
      })
      for (const { fingerprint } of loaded.enrolled) {
        expect((await fleet.identify({ fingerprint })).status).toBe('active')
      }
      await fleet.close()
    } finally {
      await direct.close()
    }
  }

  it.each(away)(
    '$name: denies and rejects meanwhile, then goes on with all it had',
    { timeout: 60_000 },
    async fault => {
      const loaded = await load()
      await fault.begin(parts)
      const rejectedBefore = loaded.rejected.length
      // What the fleet has in memory holds for half a second from the last look into the ledger, and no longer.
      await until(async () => (await loaded.decideOnKnown()).result === 'deny')
      for (const decision of await Promise.all([
        loaded.decideOnNew(),
        loaded.decideOnKnown(),
        loaded.decideOnRevoked(),
      ])) {
        expect(decision.result).toBe('deny')
      }
      await until(async () => loaded.rejected.length > rejectedBefore)
      await fault.end(parts)
      await expectHealed(loaded)
    },
  )

  it.each(readable)(
    '$name: decides by what is there, issues nothing, then goes on',
    { timeout: 60_000 },
    async fault => {
      const loaded = await load()
      await fault.begin(parts)
      await expect(loaded.fleet.enroll('too-late')).rejects.toMatchObject({
        ...unavailable,
        details: { reason: fault.reason },
      })
      await expect(loaded.fleet.revoke('known')).rejects.toMatchObject(unavailable)
      expect(await loaded.decideOnNew()).toMatchObject({ result: 'allow' })
      await until(async () => (await loaded.decideOnRevoked()).result === 'deny')
      await fault.end(parts)
      await expectHealed(loaded)
    },
  )

  it.each([
    ['node-redis', nodeRedis],
    ['ioredis', ioredis],
  ] as const)(
    'is at the dead end of a half-open connection: %s makes another one, then goes on with all it had',
    { timeout: 60_000 },
    async (_name, connect) => {
      const loaded = await load(connect)
      parts.proxy.halfOpen()
      await until(async () => loaded.rejected.length > 0)
      await expectHealed(loaded)
    },
  )

  it('is loading its file: says so, denies, then goes on with all it had', { timeout: 60_000 }, async () => {
    // A millisecond for each of a thousand keys, and the server answers after each few of them.
    await start(await startRedis('--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'))
    const loaded = await load()
    await parts.redis.ask('EVAL', "for i = 1, 1000 do redis.call('SET', 'other' .. i, string.rep('x', 200)) end", '0')
    await parts.redis.ask('BGREWRITEAOF')
    const persistence = async (): Promise<string> => String(await parts.redis.ask('INFO', 'persistence'))
    await until(async () => /aof_rewrite_in_progress:0\s+aof_rewrite_scheduled:0/.test(await persistence()))
    await parts.redis.kill()
    const started = parts.redis.start()
    const isLoading = (error: unknown): boolean =>
      (error as { details?: { reason?: string } }).details?.reason === 'the server is loading its data'
    let isDenied = false
    await until(async () => {
      isDenied ||= (await loaded.decideOnKnown()).result === 'deny'
      return isDenied && loaded.rejected.some(isLoading)
    })
    await started
    await expectHealed(loaded)
  })

  it.skipIf(!hasTool('prlimit'))(
    'has a full disk under its file: issues nothing, then goes on with all it had',
    { timeout: 60_000 },
    async () => {
      // A file of the server may have 256 KiB: what is beyond is refused as on a full disk.
      await start(await startRedisBy(['sh', '-c', `trap '' XFSZ; ulimit -S -f 512; exec "$@"`, 'sh'], []))
      const loaded = await load()
      await until(async () => loaded.rejected.length > 0)
      await expect(loaded.fleet.enroll('too-late')).rejects.toMatchObject({
        ...unavailable,
        details: { reason: 'the server cannot write to its disk' },
      })
      expect((await loaded.decideOnNew()).result).toBe('allow')
      const makeRoom = (): void => {
        expect(runTool('prlimit', ['--pid', String(parts.redis.pid), '--fsize=unlimited']).status).toBe(0)
      }
      makeRoom()
      await loaded.untilEnrolled(10)
      // With everysec it writes what it could not within a second.
      await until(async () => String(await parts.redis.ask('INFO', 'persistence')).includes('aof_last_write_status:ok'))
      await parts.redis.kill()
      await parts.redis.start()
      makeRoom()
      await expectHealed(loaded)
    },
  )

  it('forgets its scripts over and over: nobody notices', { timeout: 60_000 }, async () => {
    const loaded = await load()
    for (let flush = 0; flush < 20; flush += 1) {
      await parts.redis.ask('SCRIPT', 'FLUSH')
      await loaded.untilEnrolled(2)
      expect((await loaded.decideOnNew()).result).toBe('allow')
    }
    expect(loaded.rejected).toEqual([])
    await expectHealed(loaded)
  })

  it('answers late, but in time: nothing is refused', { timeout: 60_000 }, async () => {
    const loaded = await load()
    parts.proxy.delay(30)
    await loaded.untilEnrolled(10)
    expect((await loaded.decideOnNew()).result).toBe('allow')
    parts.proxy.delay(0)
    await expectHealed(loaded)
  })
})
