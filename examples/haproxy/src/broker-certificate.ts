import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { createClient } from 'redis'

// Writes what a broker needs to FOLDER: the CAs of the devices, and a certificate for HOSTS. Run it again before that ends.

const { REDIS_URL, FLEET_KEYS, HOSTS, FOLDER, PUBLISH_URL } = process.env
if (!REDIS_URL || !FLEET_KEYS || !HOSTS || !FOLDER || !PUBLISH_URL) {
  throw new Error('REDIS_URL, FLEET_KEYS, HOSTS, FOLDER or PUBLISH_URL is not set')
}
const client = createClient({ url: REDIS_URL })
client.on('error', () => {})
await client.connect()
const fleet = await openFleet({
  store: redisStore({ client, durability: 'everysec' }),
  keyring: fileKeyring(FLEET_KEYS),
  publish: { baseUrl: PUBLISH_URL, crl: 'pemFirst' },
  background: false,
})
const { certificate, chain, privateKey, notAfter } = await fleet.issueServer({ hosts: HOSTS.split(',') })
mkdirSync(FOLDER, { recursive: true })
// Issuing CA first, then the roots.
writeFileSync(join(FOLDER, 'ca-cert.pem'), chain + fleet.trustAnchors)
writeFileSync(join(FOLDER, 'server-cert.pem'), certificate + chain)
writeFileSync(join(FOLDER, 'server-key.pem'), privateKey!, { mode: 0o600 })
console.log(`until ${notAfter.toISOString()}`)
await fleet.close()
client.destroy()
