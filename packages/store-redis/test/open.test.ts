import { once } from 'node:events'
import { memoryKeyring, openFleet } from '@fleetcert/core'
import type { RedisClient } from '@fleetcert/store-redis'
import { redisStore } from '@fleetcert/store-redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredis, nodeRedis, type TestClient } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

const usual = { appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' } as const

const unavailable = (reason: string) => ({ code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason } })

describe('what redisStore is given', () => {
  const client: RedisClient = { callBuffer: async () => null }

  it('must be a client, a prefix without braces, and known words', () => {
    for (const none of [undefined, null, {}, 'redis://localhost', { get: () => {} }]) {
      expect(() => redisStore({ client: none as never })).toThrow(TypeError)
    }
    for (const prefix of ['', 'a{b', 'a}b', 'x'.repeat(201), '\ud800', null as never, 5 as never]) {
      expect(() => redisStore({ client, prefix })).toThrow(TypeError)
    }
    expect(() => redisStore({ client, durability: 'no' as never })).toThrow(TypeError)
    expect(() => redisStore({ client, replica: 1 } as never)).toThrow('redisStore: there is no "replica"')
    expect(() => redisStore(undefined as never)).toThrow(TypeError)
    for (const timeoutSeconds of [0, -1, Number.NaN, 1e9]) {
      expect(() => redisStore({ client, timeoutSeconds })).toThrow(RangeError)
    }
  })

  it('is not asked for anything before it is opened', async () => {
    let calls = 0
    const store = redisStore({
      client: {
        async callBuffer() {
          calls += 1
          return null
        },
      },
    })
    expect(calls).toBe(0)
    await store.close()
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    expect(calls).toBe(0)
  })

  it('that throws, or never answers, does not hold up the store', async () => {
    const clients: RedisClient[] = [
      {
        callBuffer: () => {
          throw new Error('The client is closed')
        },
      },
      { sendCommand: () => new Promise(() => {}) },
    ]
    for (const each of clients) {
      const store = redisStore({ client: each, timeoutSeconds: 0.05 })
      await expect(store.newestEventAt()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
      await store.close()
    }
  })

  it('is not waited for by whoever gives up', async () => {
    const store = redisStore({ client: { sendCommand: () => new Promise(() => {}) }, timeoutSeconds: 3600 })
    const given = new AbortController()
    const call = store.newestEventAt({ signal: given.signal })
    given.abort(new Error('given up'))
    await expect(call).rejects.toThrow('given up')
  })

  it('that answers text for octets is refused: a certificate would be lost in it', async () => {
    const store = redisStore({ client: { callBuffer: async () => ['', '7.0.15', 'master', '1', 'noeviction'] } })
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
  })
})

describe('a server that is too old', () => {
  it.each(['5.0.14', '6.0.20', 'x', ''])('%j is refused', async version => {
    const facts = ['', version, 'master', '1', 'noeviction'].map(text => Buffer.from(text))
    const store = redisStore({ client: { callBuffer: async () => facts } })
    await expect(store.open()).rejects.toMatchObject(unavailable('Redis 6.2 or newer is needed'))
  })
})

describeWith(['redis-server'], 'opening redisStore', () => {
  let redis: RedisServer
  const connected: TestClient[] = []
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const each of connected.splice(0)) await each.close()
    for (const [name, value] of Object.entries(usual)) await redis.ask('CONFIG', 'SET', name, value)
  })
  afterAll(() => redis?.stop())

  const connect = async (kind = nodeRedis, url = redis.url): Promise<RedisClient> => {
    const each = await kind(url)
    connected.push(each)
    return each.client
  }

  it('refuses a server that would lose the fleet, and writes nothing there', async () => {
    const cases = [
      [['appendonly', 'no'], undefined, 'the append-only file is off: set appendonly yes'],
      [['maxmemory-policy', 'allkeys-lru'], undefined, 'maxmemory-policy must be noeviction'],
      [['maxmemory-policy', 'volatile-ttl'], 'declared', 'maxmemory-policy must be noeviction'],
      [['appendfsync', 'no'], undefined, 'appendfsync must be everysec or always'],
      [['appendfsync', 'everysec'], 'always', 'appendfsync must be always'],
    ] as const
    for (const [[name, value], durability, reason] of cases) {
      await redis.ask('CONFIG', 'SET', name, value)
      for (const kind of [nodeRedis, ioredis]) {
        const store = redisStore({ client: await connect(kind), prefix: 'refused', ...(durability && { durability }) })
        await expect(store.open()).rejects.toMatchObject(unavailable(reason))
        await expect(store.newestEventAt()).rejects.toMatchObject(unavailable(reason))
      }
      await redis.ask('CONFIG', 'SET', name, usual[name])
    }
    expect(await redis.ask('KEYS', '{refused}*')).toEqual([])
  })

  it('tries again at the next call', async () => {
    await redis.ask('CONFIG', 'SET', 'appendonly', 'no')
    const store = redisStore({ client: await connect(), prefix: 'again', durability: 'everysec' })
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    await redis.ask('CONFIG', 'SET', 'appendonly', 'yes')
    expect(await store.newestEventAt()).toBeUndefined()
  })

  it('warns where a power cut may lose the last second, unless that was said or is not so', async () => {
    const warnings: string[] = []
    const listen = (warning: Error & { code?: string }): void => {
      if (warning.name === 'FleetcertWarning') warnings.push(warning.message)
    }
    process.on('warning', listen)
    try {
      await redisStore({ client: await connect(), durability: 'everysec' }).open()
      await redis.ask('CONFIG', 'SET', 'appendfsync', 'always')
      await redisStore({ client: await connect() }).open()
      await redisStore({ client: await connect(), durability: 'always' }).open()
      await redis.ask('CONFIG', 'SET', 'appendfsync', 'everysec')
      const warned = once(process, 'warning')
      const store = redisStore({ client: await connect(), prefix: 'warned' })
      await (await openFleet({ store, keyring: memoryKeyring(), background: false })).close()
      await warned
      expect(warnings).toEqual([
        'Redis is set to appendfsync everysec: a power cut may lose the last second of the fleet',
      ])
    } finally {
      process.off('warning', listen)
    }
  })

  it('needs the word of the operator where CONFIG is forbidden', async () => {
    const managed = await startRedis('--rename-command', 'CONFIG', '')
    try {
      for (const kind of [nodeRedis, ioredis]) {
        const client = await connect(kind, managed.url)
        await expect(redisStore({ client }).open()).rejects.toMatchObject(
          unavailable("CONFIG is forbidden: say durability 'declared' once the operator knows that it is durable"),
        )
        await redisStore({ client, durability: 'declared' }).open()
      }
    } finally {
      await managed.stop()
    }
  })

  it('needs the word of the operator where the user may not use CONFIG', async () => {
    await redis.ask('ACL', 'SETUSER', 'hub', 'on', '>secret', '~{acl}:*', '+@all', '-config')
    const client = await connect(nodeRedis, redis.url.replace('//', '//hub:secret@'))
    const store = redisStore({ client, prefix: 'acl' })
    await expect(store.open()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    const declared = redisStore({ client, prefix: 'acl', durability: 'declared' })
    expect(await declared.nextCrlNumber({ issuerKeyId: 'ab', shard: 0 })).toBe(1n)
    await expect(redisStore({ client, prefix: 'other', durability: 'declared' }).open()).rejects.toMatchObject(
      unavailable('access denied'),
    )
  })

  it('refuses a replica', async () => {
    const replica = await startRedis('--replicaof', '127.0.0.1', String(redis.port))
    try {
      const client = await connect(nodeRedis, replica.url)
      await expect(redisStore({ client }).open()).rejects.toMatchObject(
        unavailable('the server is a replica, which takes no writes'),
      )
    } finally {
      await replica.stop()
    }
  })

  it('refuses what a newer version has written, and what it did not write, and leaves both as they are', async () => {
    const client = await connect()
    await redis.ask('HSET', '{newer}:m', 'schema', '2')
    await expect(redisStore({ client, prefix: 'newer', durability: 'everysec' }).open()).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_SCHEMA',
      details: { found: 2, supported: 1 },
    })
    await redis.ask('HSET', '{odd}:m', 'schema', 'x')
    await redis.ask('SET', '{string}:m', 'x')
    for (const prefix of ['odd', 'string']) {
      await expect(redisStore({ client, prefix, durability: 'everysec' }).open()).rejects.toMatchObject({
        code: 'ERR_PKI_STORE_CORRUPT',
      })
    }
    expect(await redis.ask('KEYS', '{[nos]*}:*')).toHaveLength(3)
  })

  it('keeps fleets of different prefixes apart, and everything under its own', async () => {
    const client = await connect()
    const scope = { issuerKeyId: 'ab', shard: 0 }
    const one = redisStore({ client, prefix: 'one', durability: 'everysec' })
    const other = redisStore({ client, prefix: 'other', durability: 'everysec' })
    await one.nextCrlNumber(scope)
    expect(await other.nextCrlNumber(scope)).toBe(1n)
    await one.putDocument('a', new Uint8Array(1), 0, [{ type: 'settingsChanged', at: new Date() }])
    expect(await other.document('a')).toBeUndefined()
    const keys = (await redis.ask('KEYS', '*one*')) as string[]
    expect(keys.length).toBeGreaterThan(2)
    expect(keys.every(key => key.startsWith('{one}:'))).toBe(true)
  })
})
