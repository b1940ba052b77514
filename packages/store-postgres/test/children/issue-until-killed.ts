// Issues without end, and prints each serial number once the store has said that it is committed.
import { postgresStore } from '@fleetcert/store-postgres'
import { Pool } from 'pg'
import { reservation } from '../../../../test-support/reservation.ts'

const pool = new Pool({ connectionString: process.argv[2]!, connectionTimeoutMillis: 60_000 })
pool.on('error', () => {})
const store = postgresStore({ pool, timeoutSeconds: 60 })
for (let count = 0; ; count++) {
  const serialNumber = `01${count.toString(16).padStart(6, '0')}`
  const reserved = reservation({ serialNumber, deviceId: `device-${count}` })
  await store.reserve(reserved, [{ type: 'issuing', at: new Date(), certificate: reserved.id }])
  const der = Buffer.from(`certificate ${serialNumber}`)
  const result = await store.commit(reserved.id, der, [{ type: 'issued', at: new Date(), certificate: reserved.id }])
  if (result === 'committed') process.stdout.write(`${serialNumber}\n`)
}
