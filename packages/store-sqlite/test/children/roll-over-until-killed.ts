// Replaces the root, over and over, until somebody kills it; prints each step that is done.
import { fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'

const [file, keys] = process.argv.slice(2) as [string, string]
const fleet = await openFleet({ store: sqliteStore({ file }), keyring: fileKeyring(keys), background: false })
process.stdout.write('open\n')
for (;;) {
  for (const step of ['announce', 'issue', 'retire'] as const) {
    await fleet.rollover(step, step === 'announce' ? { root: true } : { force: step === 'retire' })
    process.stdout.write(`${step}\n`)
  }
}
