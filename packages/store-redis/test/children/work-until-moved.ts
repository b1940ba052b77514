// Works on a fleet until its store says that it has moved. Prints the fingerprint of what was issued once it is known to be, then the code that ended it.
import { fileKeyring, isPkiError, openFleet } from '@fleetcert/core'
import { createChurn } from '../../../core/test/transfer/churn.ts'
import { namedStore } from '../support/named-store.ts'

const [, , name = '', keys = '', seed = '1'] = process.argv
const { store, close } = await namedStore(name)
const fleet = await openFleet({ store, keyring: fileKeyring(keys), background: false, onWarning: () => {} })
const churn = createChurn(fleet, Number(seed))
try {
  for (let count = 0; ; count++) {
    await churn()
    const { fingerprint } = await fleet.enroll(`worker-${seed}-${count}`)
    process.stdout.write(`${fingerprint}\n`)
  }
} catch (error) {
  process.stdout.write(`${isPkiError(error) ? error.code : String(error)}\n`)
}
await fleet.close().catch(() => {})
await close()
