// One of several processes that work on the same file at the same time; prints what it got.
import { sqliteStore } from '@fleetcert/store-sqlite'
import { issuer, reservation } from '../../../../test-support/reservation.ts'

const [file, name] = process.argv.slice(2) as [string, string]
const store = sqliteStore({ file })
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
process.stdout.write(JSON.stringify({ numbers, enrolled }))
