// Writes a backup, and says how far it has come. Arguments: database, keys, path of the backup, recipient.
import { fileKeyring } from '@fleetcert/core'
import { backupFleet, writeBackup } from '@fleetcert/core/backup'
import { sqliteStore } from '@fleetcert/store-sqlite'

const [file, keys, to, recipient] = process.argv.slice(2) as [string, string, string, string]
const store = sqliteStore({ file })
try {
  const { octets } = await writeBackup(
    to,
    backupFleet({
      store,
      keyring: fileKeyring(keys),
      recipients: [recipient],
      onProgress: progress => process.stdout.write(`${JSON.stringify(progress)}\n`),
    }),
  )
  process.stdout.write(`${JSON.stringify({ done: octets })}\n`)
} catch (error) {
  const { code, details } = error as { code?: string; details?: { reason?: string } }
  process.stdout.write(`${JSON.stringify({ code, reason: details?.reason })}\n`)
}
await store.close()
