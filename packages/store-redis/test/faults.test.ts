import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventOf, issuer, reservation } from '../../../test-support/reservation.ts'
import { describeWith, hasTool, runTool } from '../../../test-support/tools.ts'
import { ioredis, nodeRedis, type TestClient } from './support/clients.ts'
import { type FaultyProxy, startProxy } from './support/proxy.ts'
import { type RedisServer, startRedis, startRedisBy } from './support/redis-server.ts'

const scope = { issuerKeyId: issuer, shard: 0 }
const unavailable = { code: 'ERR_PKI_STORE_UNAVAILABLE' }

describeWith(['redis-server'], 'redisStore and a server that fails', () => {
  let redis: RedisServer
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    redis = await startRedis()
    closing.push(() => redis.stop())
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const connect = async (
    url = redis.url,
    {
      kind = nodeRedis,
      timeoutSeconds = 5,
      prefix = 'fleetcert',
    }: { kind?: typeof nodeRedis; timeoutSeconds?: number; prefix?: string } = {},
  ): Promise<Store> => {
    const connected: TestClient = await kind(url)
    closing.push(() => connected.close())
    const store = redisStore({ client: connected.client, prefix, durability: 'everysec', timeoutSeconds })
    await store.open()
    return store
  }
  const throughProxy = async (): Promise<{ readonly store: Store; readonly proxy: FaultyProxy }> => {
    const proxy = await startProxy(redis.port)
    closing.push(() => proxy.close())
    return { store: await connect(proxy.url), proxy }
  }
  const untilHealed = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        return await call()
      } catch (error) {
        if (tries === 200) throw error
        await sleep(50)
      }
    }
  }
  let count = 0
  const next = () => {
    count += 1
    return reservation({ serialNumber: `01${count.toString(16).padStart(6, '0')}`, deviceId: `device-${count}` })
  }
  const issue = async (store: Store) => {
    const reserved = next()
    expect(await store.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
    const der = Buffer.from(`certificate ${reserved.id.serialNumber}`)
    expect(await store.commit(reserved.id, der, [eventOf('issued', reserved)])).toBe('committed')
    return reserved
  }

  it('answers the same when it is asked again after a lost reply, and has done it once', async () => {
    const { store, proxy } = await throughProxy()
    const revocation = { revocationDate: new Date(), reason: 'superseded' } as const
    const der = Buffer.from('certificate')
    const crl = { crlNumber: 7n, thisUpdate: new Date(), nextUpdate: new Date(), parts: [Buffer.from('crl')] }
    const reserved = next()
    const callsOf = async (on: Store): Promise<readonly (readonly [string, () => Promise<unknown>, unknown])[]> => {
      const lease = (await on.lease('crl', 'holder', 60))!
      return [
        ['reserve', () => on.reserve(reserved, [eventOf('issuing', reserved)]), 'reserved'],
        ['commit', () => on.commit(reserved.id, der, [eventOf('issued', reserved)]), 'committed'],
        ['revoke', () => on.revoke(reserved.id, revocation, [eventOf('revoked', reserved)]), { revocation }],
        ['putDocument', () => on.putDocument('a', der, 0, [eventOf('settingsChanged', reserved)], { lease }), true],
        ['putCrl', () => on.putCrl(scope, crl, lease, [eventOf('crlPublished', reserved)]), true],
        ['lease', () => on.lease('crl', 'holder', 60), { fence: lease.fence }],
        ['certificate', () => on.certificate(reserved.id), { state: 'issued' }],
      ]
    }
    // So that the server knows the scripts: a lost reply is one to what was done.
    for (const [, call] of await callsOf(await connect(redis.url, { prefix: 'other' }))) await call()

    const calls = await callsOf(store)
    for (const [name, call, expected] of calls) {
      for (const lose of [() => proxy.loseNextRequest(), () => proxy.loseNextReply()]) {
        lose()
        await expect(call(), name).rejects.toMatchObject(unavailable)
      }
      const answer = await call()
      if (typeof expected === 'object') expect(answer, name).toMatchObject(expected as object)
      else expect(answer, name).toBe(expected)
    }
    const { items } = await store.ledger({ after: '', limit: 100 })
    expect(items.map(event => event.type)).toEqual(['issuing', 'issued', 'revoked', 'settingsChanged', 'crlPublished'])
    expect(proxy.connections).toBeGreaterThan(calls.length)
  })

  it('never gives a CRL number twice, whatever is lost', async () => {
    const { store, proxy } = await throughProxy()
    const given = [await store.nextCrlNumber(scope)]
    for (let round = 0; round < 10; round++) {
      proxy.loseNextReply()
      await expect(store.nextCrlNumber(scope)).rejects.toMatchObject(unavailable)
      given.push(await store.nextCrlNumber(scope))
    }
    expect(given).toEqual(Array.from({ length: 11 }, (_, index) => BigInt(2 * index + 1)))
  })

  it('rejects what gets no answer in time, and goes on when the server does', async () => {
    const { store, proxy } = await throughProxy()
    const slow = await connect(proxy.url, { timeoutSeconds: 0.3 })
    proxy.stall(true)
    await expect(slow.newestEventAt()).rejects.toMatchObject({
      ...unavailable,
      details: { reason: 'the server did not answer in time' },
    })
    proxy.stall(false)
    await issue(store)

    const direct = await connect(redis.url, { timeoutSeconds: 0.3 })
    process.kill(redis.pid, 'SIGSTOP')
    await expect(direct.newestEventAt()).rejects.toMatchObject(unavailable)
    process.kill(redis.pid, 'SIGCONT')
    expect(await untilHealed(() => direct.newestEventAt())).toBeInstanceOf(Date)
  })

  it.each([
    ['node-redis', nodeRedis],
    ['ioredis', ioredis],
  ] as const)(
    'over %s: has all that it resolved when the server is killed and started again, and rejects meanwhile',
    async (_name, kind) => {
      const store = await connect(redis.url, { kind, timeoutSeconds: 0.5 })
      const issued = [await issue(store), await issue(store)]
      await redis.kill()
      await expect(store.certificate(issued[0]!.id)).rejects.toMatchObject(unavailable)
      await expect(store.reserve(next(), [])).rejects.toMatchObject(unavailable)
      await redis.start()
      for (const { id } of issued) {
        expect(await untilHealed(() => store.certificate(id))).toMatchObject({ state: 'issued' })
      }
      // Its scripts are forgotten with the process.
      await issue(store)
    },
  )

  it('sends its scripts again when the server has forgotten them', async () => {
    const store = await connect()
    await issue(store)
    await redis.ask('SCRIPT', 'FLUSH')
    const results = await Promise.all(Array.from({ length: 20 }, () => issue(store)))
    expect(results).toHaveLength(20)
  })

  it('changes nothing when memory is full, still reads, and goes on when there is room', async () => {
    const store = await connect()
    const { id } = await issue(store)
    await redis.ask('CONFIG', 'SET', 'maxmemory', '1')
    const reserved = next()
    const full = { ...unavailable, details: { reason: 'the server is out of memory' } }
    await expect(store.reserve(reserved, [eventOf('issuing', reserved)])).rejects.toMatchObject(full)
    const revocation = { revocationDate: new Date(), reason: 'superseded' } as const
    await expect(store.revoke(id, revocation, [eventOf('revoked', reserved)])).rejects.toMatchObject(full)
    await expect(
      store.putCrl(
        scope,
        { crlNumber: 1n, thisUpdate: new Date(), nextUpdate: new Date(), parts: [Buffer.alloc(9)] },
        undefined,
        [],
      ),
    ).rejects.toMatchObject(full)
    expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
    expect((await store.ledger({ after: '', limit: 10 })).items).toHaveLength(2)
    await redis.ask('CONFIG', 'SET', 'maxmemory', '0')
    expect(await store.certificate(reserved.id)).toBeUndefined()
    expect((await store.certificate(id))?.revocation).toBeUndefined()
    expect(await store.reserve(reserved, [eventOf('issuing', reserved)])).toBe('reserved')
  })

  it('writes nothing to a server that has become a replica', async () => {
    const other = await startRedis()
    closing.push(() => other.stop())
    const store = await connect()
    await redis.ask('REPLICAOF', '127.0.0.1', String(other.port))
    await expect(store.reserve(next(), [])).rejects.toMatchObject({
      ...unavailable,
      details: { reason: 'the server is a replica, which takes no writes' },
    })
    await redis.ask('REPLICAOF', 'NO', 'ONE')
    await untilHealed(() => issue(store))
  })

  it('says so when a key of the fleet was replaced by something else', async () => {
    const store = await connect()
    await redis.ask('SET', '{fleetcert}:L', 'no stream')
    const corrupt = { code: 'ERR_PKI_STORE_CORRUPT' }
    await expect(store.ledger({ after: '', limit: 1 })).rejects.toMatchObject(corrupt)
    const { id } = reservation({ serialNumber: '0a', deviceId: 'a' })
    await redis.ask('HSET', '{fleetcert}:w', 'document', 'x')
    await expect(store.putDocument('document', Buffer.alloc(1), 0, [])).rejects.toMatchObject(corrupt)
    expect(await store.certificate(id)).toBeUndefined()
  })

  it.skipIf(!hasTool('prlimit'))('changes nothing when the disk is full, and goes on when there is room', async () => {
    // A file of the server may have 64 KiB: what is beyond is refused as on a full disk.
    const small = await startRedisBy(['sh', '-c', `trap '' XFSZ; ulimit -S -f 128; exec "$@"`, 'sh'], [])
    closing.push(() => small.stop())
    const store = await connect(small.url)
    const issued: string[] = []
    const fill = async (): Promise<never> => {
      for (;;) issued.push((await issue(store)).id.serialNumber)
    }
    await expect(fill()).rejects.toMatchObject({
      ...unavailable,
      details: { reason: 'the server cannot write to its disk' },
    })
    expect(issued.length).toBeGreaterThan(3)
    expect(runTool('prlimit', ['--pid', String(small.pid), '--fsize=unlimited']).status).toBe(0)
    await untilHealed(() => issue(store))
    await sleep(1500)
    await small.kill()
    await small.start()
    for (const serialNumber of issued) {
      const id = { issuerKeyId: issuer, serialNumber }
      expect(await untilHealed(() => store.certificate(id))).toMatchObject({ state: 'issued' })
    }
  })

  it('leaves the client alone when it is closed, and takes no calls then', async () => {
    const connected = await nodeRedis(redis.url)
    closing.push(() => connected.close())
    const store = redisStore({ client: connected.client, durability: 'everysec' })
    const pending = issue(store)
    await pending
    await store.close()
    await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    const again = redisStore({ client: connected.client, durability: 'everysec' })
    expect(await again.newestEventAt()).toBeInstanceOf(Date)
  })

  it('does not bring a client to life again that its owner has closed', async () => {
    const proxy = await startProxy(redis.port)
    closing.push(() => proxy.close())
    const client = createClient({ url: proxy.url })
    client.on('error', () => {})
    await client.connect()
    closing.push(async () => client.destroy())
    const store = redisStore({ client, durability: 'everysec', timeoutSeconds: 0.5 })
    await store.open()
    proxy.halfOpen()
    const asked = store.state()
    void client.close().catch(() => {})
    await expect(asked).rejects.toMatchObject(unavailable)
    expect(client.isOpen).toBe(false)
  })

  it('takes no answer for done that stands in a transaction of the owner of the client', async () => {
    const client = new Redis(redis.url)
    client.on('error', () => {})
    closing.push(async () => client.disconnect())
    const store = redisStore({ client, durability: 'everysec' })
    const reserved = await issue(store)
    const revocation = { revocationDate: new Date(), reason: 'superseded' } as const
    await client.multi({ pipeline: false })
    const calls = [
      () => issue(store),
      () => store.revoke(reserved.id, revocation, [eventOf('revoked', reserved)]),
      () => store.certificate(reserved.id),
      () => store.newestEventAt(),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        ...unavailable,
        details: { reason: 'the client is inside a transaction of its owner' },
      })
    }
    await client.discard()
    expect((await store.certificate(reserved.id))?.revocation).toBeUndefined()
    await issue(store)
  })

  it('works over a client that makes text of numbers', async () => {
    const client = new Redis(redis.url, { stringNumbers: true })
    client.on('error', () => {})
    closing.push(async () => client.disconnect())
    const store = redisStore({ client, durability: 'everysec' })
    const reserved = await issue(store)
    const { items } = await store.exportRecords({ kind: 'certificate', limit: 10 })
    expect(items).toMatchObject([{ record: { id: reserved.id } }])
    expect(await store.saveCursor('a', '1', undefined)).toBe(true)
  })
})
