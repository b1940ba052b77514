// Ends all of one owner; prints the serial numbers of each page when it is durable, and rests between pages if it is to be killed in time.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'

const [file, keys, restMilliseconds] = process.argv.slice(2) as [string, string, string]
const fleet = await openFleet({ store: sqliteStore({ file }), keyring: fileKeyring(keys), background: false })
process.stdout.write('open\n')
await fleet.revokeAll(
  { owner: 'alice' },
  { reason: 'cessationOfOperation' },
  {
    async onPage({ certificates }) {
      process.stdout.write(`${certificates.map(({ serialNumber }) => serialNumber).join(' ')}\n`)
      await sleep(Number(restMilliseconds))
    },
  },
)
await fleet.close()
process.stdout.write('done\n')
