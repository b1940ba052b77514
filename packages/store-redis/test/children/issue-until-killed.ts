// Issues without end, and prints each serial number once the store has said that it is committed.
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'
import { reservation } from '../../../../test-support/reservation.ts'

const client = createClient({ url: process.argv[2]! })
client.on('error', () => {})
await client.connect()
const store = redisStore({ client, durability: 'everysec' })
for (let count = 0; ; count++) {
  const serialNumber = `01${count.toString(16).padStart(6, '0')}`
  const reserved = reservation({ serialNumber, deviceId: `device-${count}` })
  await store.reserve(reserved, [{ type: 'issuing', at: new Date(), certificate: reserved.id }])
  const der = Buffer.from(`certificate ${serialNumber}`)
  const result = await store.commit(reserved.id, der, [{ type: 'issued', at: new Date(), certificate: reserved.id }])
  if (result === 'committed') process.stdout.write(`${serialNumber}\n`)
}
