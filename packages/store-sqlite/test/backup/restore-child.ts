// Restores a backup, and says when records are being put in; to be killed, or stopped by a disk that is full. Arguments: backup, database, keys, identity.
import { fileKeyring } from '@fleetcert/core'
import { restoreFleet } from '@fleetcert/core/backup'
import { sqliteStore } from '@fleetcert/store-sqlite'

const [from, file, keys, identity] = process.argv.slice(2) as [string, string, string, string]
const store = sqliteStore({ file })
try {
  const { records } = await restoreFleet({
    from,
    identities: [identity],
    store,
    keyring: fileKeyring(keys),
    onProgress: progress => process.stdout.write(`${JSON.stringify(progress)}\n`),
  })
  process.stdout.write(`${JSON.stringify({ done: records.certificate })}\n`)
} catch (error) {
  const { code, details } = error as { code?: string; details?: { reason?: string } }
  process.stdout.write(`${JSON.stringify({ code, reason: details?.reason })}\n`)
}
await store.close()
