// One of several processes that work on the same store at the same time; prints what it got.
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'
import { issuer, reservation } from '../../../../test-support/reservation.ts'

const [url, name] = process.argv.slice(2) as [string, string]
const client = createClient({ url })
client.on('error', () => {})
await client.connect()
const store = redisStore({ client, durability: 'everysec' })
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
client.destroy()
process.stdout.write(JSON.stringify({ numbers, enrolled }))
