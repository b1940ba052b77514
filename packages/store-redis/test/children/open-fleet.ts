// One of several processes that start at once on the same store and the same keys; prints what it found, and what it made.
import { fileKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'

const [url, keys, name] = process.argv.slice(2) as [string, string, string]
const client = createClient({ url })
client.on('error', () => {})
await client.connect()
const store = redisStore({ client, durability: 'everysec' })
const fleet = await openFleet({ store, keyring: fileKeyring(keys) })
const serials: string[] = []
const refused: string[] = []
for (let count = 0; count < 5; count++) {
  serials.push((await fleet.enroll(`${name}-${count}`)).serialNumber)
  // The same ones for all: one process gets each.
  const shared = `shared-${count}`
  const enrolled = await fleet.enroll(shared).catch((error: unknown) => (error as { code: string }).code)
  if (typeof enrolled === 'string') refused.push(enrolled)
  else serials.push(enrolled.serialNumber)
}
const { crlNumber } = await fleet.crl()
process.stdout.write(JSON.stringify({ anchors: fleet.trustAnchors, serials, refused, crlNumber: String(crlNumber) }))
await fleet.close()
await store.close()
client.destroy()
