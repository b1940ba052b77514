// One of several processes that start at once on the same store and the same keys; prints what it found, and what it made.
import { fileKeyring, openFleet } from '@fleetcert/core'
import { postgresStore } from '@fleetcert/store-postgres'
import { Pool } from 'pg'

const [url, keys, name] = process.argv.slice(2) as [string, string, string]
const pool = new Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 60_000 })
pool.on('error', () => {})
const store = postgresStore({ pool, timeoutSeconds: 60 })
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
await pool.end()
