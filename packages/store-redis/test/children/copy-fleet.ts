// Copies a fleet from one named store to another, and prints how far it has come, then how it ended.
import { copyFleet, isPkiError } from '@fleetcert/core'
import { namedStore } from '../support/named-store.ts'

const [, , from = '', to = '', seal] = process.argv
const source = await namedStore(from)
const target = await namedStore(to)
try {
  const { moved } = await copyFleet(source.store, target.store, {
    seal: seal === 'seal',
    onProgress: ({ phase, records }) => void process.stdout.write(`${phase} ${records}\n`),
  })
  process.stdout.write(moved ? 'moved\n' : 'copied\n')
} catch (error) {
  if (!isPkiError(error)) throw error
  process.stdout.write(`${error.code} ${JSON.stringify(error.details)}\n`)
}
await source.close()
await target.close()
