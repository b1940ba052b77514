// A process with a fleet that enrols without end, eight at a time, and prints the fingerprint of each certificate that it was given.
import { fileKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'

const [url, keys] = process.argv.slice(2) as [string, string]
const client = createClient({ url })
client.on('error', () => {})
await client.connect()
const fleet = await openFleet({ store: redisStore({ client, durability: 'everysec' }), keyring: fileKeyring(keys) })
let count = 0
const caller = async (): Promise<void> => {
  for (;;) {
    count += 1
    const { fingerprint } = await fleet.enroll(`device-${count}`)
    process.stdout.write(`${fingerprint}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, caller))
