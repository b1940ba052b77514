import { type Fleet, type FleetEvent, fileKeyring, openFleet, parseCrl, type Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { type RedisServer, startRedis } from '../../../store-redis/test/support/redis-server.ts'
import { type HubProcess, killAll, startHub } from './hub-process.ts'

/** A Redis and a folder of keys, both empty, for the hubs of one fleet. */
export interface RedisFleet extends AsyncDisposable {
  readonly redis: RedisServer
  path(name: string): string
  start(name: string, environment?: Readonly<Record<string, string>>): HubProcess
  /** Starts three, `a`, `b` and `c`, and resolves when all serve. */
  startThree(environment?: Readonly<Record<string, string>>): Promise<readonly HubProcess[]>
  /** The fleet as the test itself sees it. */
  inFleet<Result>(look: (fleet: Fleet) => Promise<Result>): Promise<Result>
  /** Recovers what dead processes left behind, as if the minute in which their leases run out were over. */
  abandon(): Promise<void>
  /** The ledger. */
  events(): Promise<FleetEvent[]>
  /** Its issuerKeyId. */
  issuingCa(): Promise<string>
  /** As the ledger has them. */
  publishedNumbers(issuer: string): Promise<number[]>
  /** As a hub serves it. */
  crlOf(hub: HubProcess, issuer: string): Promise<{ readonly number: number; readonly serials: readonly string[] }>
}

export async function startRedisFleet(): Promise<RedisFleet> {
  const redis = await startRedis()
  const folder = temporaryDirectory()
  const start: RedisFleet['start'] = (name, environment = {}) =>
    startHub(name, { STORE: redis.url, KEYS: folder.path('keys'), ...environment })
  const inStore = async <Result>(use: (store: Store) => Promise<Result>): Promise<Result> => {
    const client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
    try {
      return await use(redisStore({ client, durability: 'everysec' }))
    } finally {
      client.destroy()
    }
  }
  const inFleet: RedisFleet['inFleet'] = look =>
    inStore(async store => {
      await using fleet = await openFleet({ store, keyring: fileKeyring(folder.path('keys')), background: false })
      return await look(fleet)
    })
  const events = (): Promise<FleetEvent[]> => inFleet(fleet => Array.fromAsync(fleet.events({ follow: false })))
  return {
    redis,
    path: folder.path,
    start,
    inFleet,
    events,
    abandon: () =>
      inStore(async store => {
        await store.open()
        await store.abandon(new Date(Date.now() + 60_000))
        await store.close()
      }),
    async startThree(environment) {
      const hubs = ['a', 'b', 'c'].map(name => start(name, environment))
      await Promise.all(hubs.map(hub => hub.ready()))
      return hubs
    },
    issuingCa: () =>
      inFleet(async fleet => {
        for await (const { role, issuerKeyId } of fleet.issuers()) if (role === 'issuingCa') return issuerKeyId
        throw new Error('no issuing CA')
      }),
    publishedNumbers: async issuer =>
      (await events())
        .filter(({ type, details }) => type === 'crlPublished' && details?.['issuerKeyId'] === issuer)
        .map(({ details }) => Number(details?.['crlNumber'])),
    async crlOf(hub, issuer) {
      const { status, octets } = await hub.call('GET', `/crl/${issuer.slice(0, 16)}-0.crl`)
      if (status !== 200) throw new Error(`status ${status}`)
      const { crlNumber, entries } = parseCrl(octets)
      return { number: Number(crlNumber), serials: entries.map(({ serialNumber }) => serialNumber) }
    },
    async [Symbol.asyncDispose]() {
      await killAll()
      await redis.stop()
      folder.remove()
    },
  }
}

/** Each above the one before. */
export function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)
}
