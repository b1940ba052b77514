import { hash } from 'node:crypto'
import type { Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventOf, issuer, reservation } from '../../../test-support/reservation.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { nodeRedis, type TestClient } from './support/clients.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

describeWith(['redis-server'], 'what redisStore asks together', () => {
  let redis: RedisServer
  let connected: TestClient
  let store: Store
  beforeEach(async () => {
    redis = await startRedis()
    connected = await nodeRedis(redis.url)
    store = redisStore({ client: connected.client, durability: 'everysec' })
    await store.open()
  })
  afterEach(async () => {
    await store?.close()
    await connected?.close()
    await redis?.stop()
  })

  const issue = async (count: number): Promise<Uint8Array[]> => {
    const fingerprints: Uint8Array[] = []
    for (let index = 1; index <= count; index++) {
      const serialNumber = `01${index.toString(16).padStart(6, '0')}`
      const reserved = reservation({ serialNumber, deviceId: `device-${index}` })
      const der = Buffer.from(`certificate ${serialNumber}`)
      await store.reserve(reserved, [])
      await store.commit(reserved.id, der, [eventOf('issued', reserved)])
      fingerprints.push(new Uint8Array(hash('sha256', der, 'buffer')))
    }
    return fingerprints
  }
  const callsOf = async (command: string, work: () => Promise<unknown>): Promise<number> => {
    await redis.ask('CONFIG', 'RESETSTAT')
    await work()
    const stats = String(await redis.ask('INFO', 'commandstats'))
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }

  it('are look-ups by fingerprint of one turn, some in one script; each gets its own answer', async () => {
    const fingerprints = await issue(40)
    await store.certificate({ fingerprint: fingerprints[0]! })
    const unknown = new Uint8Array(32)
    let found: (string | undefined)[] = []
    const calls = await callsOf('evalsha', async () => {
      const asked = [...fingerprints, unknown].map(fingerprint => store.certificate({ fingerprint }))
      found = (await Promise.all(asked)).map(record => record?.deviceId)
    })
    expect(found).toEqual([...fingerprints.map((_, index) => `device-${index + 1}`), undefined])
    expect(calls).toBe(2)
  })

  it('are questions for the latest date; whoever asks later is not given what was read before', async () => {
    await issue(1)
    const hgets = await callsOf('hget', () => Promise.all(Array.from({ length: 20 }, () => store.newestEventAt())))
    expect(hgets).toBe(1)
    const at = new Date(Date.now() + 60_000)
    await store.blockKey(new Uint8Array(32), [{ type: 'keyBlocked', at }])
    expect(await store.newestEventAt()).toEqual(at)
  })

  it('does not let one damaged row spoil the answers of the others', async () => {
    const [damaged, good] = (await issue(2)) as [Uint8Array, Uint8Array]
    // `r:` by ordinal, six octets: the first row that was made, cut off in its head.
    await redis.ask('EVAL', "return redis.call('HSET', '{fleetcert}:r:0', '\\0\\0\\0\\0\\0\\1', '\\2\\1\\0')", '0')
    const asked = [damaged, good].map(fingerprint => store.certificate({ fingerprint }))
    const [first, second] = await Promise.allSettled(asked)
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PKI_STORE_CORRUPT' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: { deviceId: 'device-2' } })
  })

  it('is sent before the store is closed', async () => {
    const [fingerprint] = await issue(1)
    const asked = store.certificate({ fingerprint: fingerprint! })
    await store.close()
    expect(await asked).toMatchObject({ state: 'issued' })
  })

  it('are the entries of a CRL, and what is damaged among them is said', async () => {
    await issue(3)
    const id = { issuerKeyId: issuer, serialNumber: '01000001' }
    await store.revoke(id, { revocationDate: new Date(), reason: 'superseded' }, [])
    const scope = { issuerKeyId: issuer, shard: 0 }
    const { entries } = await store.crlEntries(scope, {}, { limit: 10 })
    expect(entries.length).toBeGreaterThan(20)
    const cut =
      "local k = redis.call('KEYS', '{fleetcert}:x:*')[1] return redis.call('SET', k, redis.call('GETRANGE', k, 0, 30))"
    await redis.ask('EVAL', cut, '0')
    await expect(store.crlEntries(scope, {}, { limit: 10 })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
  })
})
