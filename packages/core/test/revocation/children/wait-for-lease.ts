// A fleet that is never closed, and the lease for its CRL with a process that has died.
import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'

const store = memoryStore()
const isBackground = process.argv[2] === 'background'
const fleet = await openFleet({ store, keyring: memoryKeyring(), background: isBackground })
for await (const { role, issuerKeyId } of fleet.issuers()) {
  // Long enough for the background to begin to wait, short enough to wait for.
  if (role === 'issuingCa') await store.lease(`crl-${issuerKeyId}-0`, 'dead', isBackground ? 120 : 1)
}
if (isBackground) await new Promise(resolve => setTimeout(resolve, 1500))
else process.stdout.write(String((await fleet.crl()).crlNumber))
