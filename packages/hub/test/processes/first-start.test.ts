import { readdirSync } from 'node:fs'
import { fileKeyring, openFleet, type Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { createClient } from 'redis'
import { afterEach, describe, expect, it } from 'vitest'
import { hasTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type RedisServer, startRedis } from '../../../store-redis/test/support/redis-server.ts'
import { endLease, type HubProcess, killAll, startHub } from './hub-process.ts'

const names = Array.from({ length: 10 }, (_, index) => `hub-${index}`)
/** Where the process that makes the fleet dies: with nothing made, with keys and no certificate, between the two, and with all but the root's CRL. */
const points = ['create-root', 'created-root', 'sign-root', 'created-ca', 'crl-root']

const stores = { sqlite: true, redis: hasTool('redis-server') }

describe.each(Object.entries(stores))('ten hubs that start at once, one folder of keys, %s', (kind, isThere) => {
  let redis: RedisServer | undefined
  const folder = temporaryDirectory()
  afterEach(async () => {
    await killAll()
    await redis?.stop()
    folder.remove()
  })
  const emptyStore = async (): Promise<string> => {
    if (kind === 'sqlite') return folder.path('fleet.db')
    redis = await startRedis()
    return redis.url
  }

  it.skipIf(!isThere)(
    `make one fleet${isThere ? '' : ' (skipped: no redis-server)'}`,
    { timeout: 180_000 },
    async () => {
      const url = await emptyStore()
      await oneFleet(
        url,
        names.map(name => startHub(name, { STORE: url, KEYS: folder.path('keys') })),
      )
    },
  )

  async function oneFleet(url: string, hubs: readonly HubProcess[]): Promise<void> {
    const served = await Promise.all(hubs.map(hub => hub.ready()))
    expect(new Set(served.map(({ anchors }) => anchors)).size).toBe(1)
    expect(readdirSync(folder.path('keys')).sort()).toEqual(['ca-key.pem', 'root-key.pem'])
    // All of them can issue, and by the same CA.
    const answers = await Promise.all(hubs.map(hub => hub.call('POST', `/api/devices/certificates/${hub.name}`)))
    expect(answers.map(({ status }) => status)).toEqual(hubs.map(() => 201))
    expect(new Set(answers.map(({ json }) => json['caCert'])).size).toBe(1)
    await inStore(url, async store => {
      const fleet = await openFleet({ store, keyring: fileKeyring(folder.path('keys')), background: false })
      expect(await Array.fromAsync(fleet.issuers())).toHaveLength(2)
      const events = await Array.fromAsync(fleet.events({ follow: false }))
      expect(events.filter(({ type }) => type === 'fleetCreated')).toHaveLength(1)
      const inUse = await Array.fromAsync(fleet.devices())
      expect(inUse).toHaveLength(hubs.length)
      await fleet.close()
    })
  }

  async function inStore(url: string, use: (store: Store) => Promise<void>): Promise<void> {
    if (kind === 'sqlite') return use(sqliteStore({ file: url }))
    const client = createClient({ url })
    client.on('error', () => {})
    await client.connect()
    await use(redisStore({ client, durability: 'everysec' }))
    client.destroy()
  }

  for (const point of process.env['FLEETCERT_LONG'] === '1' ? points : ['created-root']) {
    it.skipIf(!isThere)(`make one fleet when the first dies at ${point}`, { timeout: 180_000 }, async () => {
      const url = await emptyStore()
      const environment = { STORE: url, KEYS: folder.path('keys') }
      const first = startHub('first', { ...environment, HOLD_AT: point })
      expect(await first.reached()).toBe(true)
      const hubs = names.map(name => startHub(name, environment))
      await first.kill()
      // Nothing of its own would end it sooner than after a minute. That for the root's CRL is waited for.
      await endLease(url, 'bootstrap')
      await oneFleet(url, hubs)
    })
  }
})
