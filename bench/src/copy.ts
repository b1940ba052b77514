import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { copyFleet, type Store, type StoreRecord } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { startedThings } from './store-servers.ts'

// How fast a fleet moves from SQLite to Redis and back, everything read back and compared: certificates a second, memory, and how long the source is sealed.

const { values } = parseArgs({ options: { count: { type: 'string', default: '100000' } } })
const count = Number(values.count)
const issuerKeyId = createHash('sha256').update('issuer').digest('hex')
const start = Date.UTC(2026, 0, 1)

/** A device's certificate with its two ledger entries; one in a hundred is revoked. */
function recordsOf(index: number): StoreRecord[] {
  const ordinal = index + 1
  const seed = createHash('sha256').update(`device ${index}`).digest()
  const der = Buffer.alloc(640, seed)
  const id = { issuerKeyId, serialNumber: `1f${index.toString(16).padStart(30, '0')}` }
  const at = new Date(start + index)
  const place = Math.floor(index / 100) + 1
  const isRevoked = index % 100 === 0
  const deviceId = `device-${index}`
  const event = (type: 'issuing' | 'issued', sequence: number): StoreRecord => ({
    kind: 'event',
    sequence,
    event: { type, at, deviceId, certificate: id },
  })
  return [
    {
      kind: 'certificate',
      ordinal,
      epoch: 0,
      record: {
        id,
        role: 'device',
        profile: 'device',
        deviceId,
        owner: `owner-${index % 1000}`,
        publicKeyHash: seed,
        notBefore: at,
        notAfter: new Date(start + 365 * 86_400_000),
        shard: 0,
        createdAt: at,
        state: 'issued',
        der,
        fingerprint: createHash('sha256').update(der).digest(),
        ...(isRevoked && { revocation: { reason: 'cessationOfOperation', revocationDate: at } }),
      },
      ...(isRevoked && { revocation: { place, change: place } }),
    },
    event('issuing', 2 * index + 1),
    event('issued', 2 * index + 2),
  ]
}

async function fill(store: Store): Promise<void> {
  const { fleetId } = await store.state()
  for (let from = 0; from < count; from += 300) {
    const indexes = Array.from({ length: Math.min(300, count - from) }, (_, index) => from + index)
    await store.importRecords({ fleetId, note: '' }, indexes.flatMap(recordsOf))
  }
  const last = Math.ceil(count / 100)
  const scope = { issuerKeyId, shard: 0, lastNumber: 1n, lastChange: last, lastPlace: last }
  await store.importRecords({ fleetId, note: '' }, [{ kind: 'crlScope', ...scope }])
  await store.changeState('receiving', 'open')
}

async function measure(name: string, from: Store, to: Store): Promise<void> {
  global.gc?.()
  let peak = 0
  const onProgress = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const begun = performance.now()
  const { records } = await copyFleet(from, to, { onProgress })
  const copied = performance.now()
  await copyFleet(from, to, { seal: true, onProgress })
  const seconds = (copied - begun) / 1000
  console.log(
    `${name}: ${count} certificates (${records} records) in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second; ` +
      `the call that seals took ${Math.round(performance.now() - copied)} ms; peak RSS ${Math.round(peak / 2 ** 20)} MiB`,
  )
}

await using started = startedThings()
const folder = started.folder()
const redis = await started.redis()
const one = sqliteStore({ file: join(folder, 'one.db') })
await one.open()
await fill(one)
const two = redisStore({ client: await started.client(redis.url), durability: 'everysec', timeoutSeconds: 30 })
await measure('SQLite to Redis', one, two)
const three = sqliteStore({ file: join(folder, 'three.db') })
await measure('Redis to SQLite', two, three)
for (const store of [one, two, three]) await store.close()
