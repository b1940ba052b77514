// One of several processes that work on the same store at the same time; prints what it got.
import { postgresStore } from '@fleetcert/store-postgres'
import { Pool } from 'pg'
import { issuer, reservation } from '../../../../test-support/reservation.ts'

const [url, name] = process.argv.slice(2) as [string, string]
const pool = new Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 60_000 })
pool.on('error', () => {})
const store = postgresStore({ pool, timeoutSeconds: 60 })
const numbers: string[] = []
const enrolled: string[] = []
for (let count = 0; count < 40; count++) {
  numbers.push(String(await store.nextCrlNumber({ issuerKeyId: issuer, shard: 0 })))
  const serialNumber = `${name}${count.toString(16).padStart(4, '0')}`
  const deviceId = `device-${count}`
  const wanted = { ...reservation({ serialNumber, deviceId }), expect: 'newDevice' } as const
  const result = await store.reserve(wanted, [{ type: 'issuing', at: new Date(), deviceId }])
  if (result === 'reserved') enrolled.push(deviceId)
}
await store.close()
await pool.end()
process.stdout.write(JSON.stringify({ numbers, enrolled }))
