import type { Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { Cluster } from 'ioredis'
import { createClientPool, createCluster } from 'redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventOf, reservation } from '../../../test-support/reservation.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { ioredis, nodeRedis } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

describe('replicas', () => {
  it('needs a client of one connection, and a number', () => {
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })
    for (const client of [
      createClientPool(),
      createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] }),
      cluster,
    ]) {
      expect(() => redisStore({ client, replicas: 1 })).toThrow(TypeError)
      redisStore({ client, replicas: 0 })
    }
    for (const replicas of [-1, 0.5, Number.NaN]) {
      expect(() => redisStore({ client: { callBuffer: async () => null }, replicas })).toThrow(RangeError)
    }
  })
})

describeWith(['redis-server'], 'redisStore with a replica', () => {
  const closing: (() => Promise<unknown>)[] = []
  let master: RedisServer
  let replica: RedisServer
  beforeEach(async () => {
    master = await startRedis('--repl-diskless-sync-delay', '0')
    closing.push(() => master.stop())
    replica = await startRedis('--replicaof', '127.0.0.1', String(master.port))
    closing.push(() => replica.stop())
    while (!String(await replica.ask('INFO', 'replication')).includes('master_link_status:up'));
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const connect = async (url: string, kind = nodeRedis, replicas = 0, timeoutSeconds = 5): Promise<Store> => {
    const connected = await kind(url)
    closing.push(() => connected.close())
    return redisStore({ client: connected.client, durability: 'everysec', replicas, timeoutSeconds })
  }
  let count = 0
  const issue = async (store: Store) => {
    count += 1
    const reserved = reservation({
      serialNumber: `01${count.toString(16).padStart(6, '0')}`,
      deviceId: `device-${count}`,
    })
    await store.reserve(reserved, [eventOf('issuing', reserved)])
    expect(
      await store.commit(reserved.id, Buffer.from(`der ${reserved.id.serialNumber}`), [eventOf('issued', reserved)]),
    ).toBe('committed')
    return reserved.id
  }

  it.each([
    ['node-redis', nodeRedis],
    ['ioredis', ioredis],
  ] as const)(
    'over %s: what was resolved is there when the master dies and the replica takes its place',
    async (_, kind) => {
      const store = await connect(master.url, kind, 1)
      const issued = await Promise.all(Array.from({ length: 50 }, () => issue(store)))
      await master.kill()
      await replica.ask('REPLICAOF', 'NO', 'ONE')
      const promoted = await connect(replica.url)
      for (const id of issued) expect(await promoted.certificate(id)).toMatchObject({ state: 'issued' })
      expect((await promoted.ledger({ after: '', limit: 1000 })).items).toHaveLength(100)
      await issue(promoted)
    },
  )

  it('rejects while no replica has it, reads meanwhile, and resolves the same call when one is back', async () => {
    const store = await connect(master.url, nodeRedis, 1, 3)
    const id = await issue(store)
    await replica.kill()
    const reserved = reservation({ serialNumber: '0b', deviceId: 'b' })
    await expect(store.reserve(reserved, [eventOf('issuing', reserved)])).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
      details: { reason: 'too few replicas have what was written' },
    })
    expect(await store.certificate(id)).toMatchObject({ state: 'issued' })
    await replica.start()
    for (;;) {
      const answer = await store.reserve(reserved, [eventOf('issuing', reserved)]).catch(() => undefined)
      if (answer === undefined) continue
      expect(answer).toBe('reserved')
      break
    }
    expect((await store.ledger({ after: '', limit: 10 })).items).toHaveLength(3)
  })
})
