import { KMSClient } from '@aws-sdk/client-kms'
import { fileKeyring, memoryStore, openFleet, remoteKeyring } from '@fleetcert/core'
import { awsKmsSigner } from './aws-kms-signer.ts'

// Region and credentials from the environment, as ever. One attempt: remoteSigner asks again, and counts.
const client = new KMSClient({ maxAttempts: 1 })
const { ROOT_KEY = 'alias/fleetcert-root', FLEET_FOLDER = 'fleet', FIRST_START } = process.env

const fleet = await openFleet({
  // sqliteStore({ file }) in earnest
  store: memoryStore(),
  keyring: {
    root: remoteKeyring({ root: () => awsKmsSigner(client, ROOT_KEY) }, { firstStart: FIRST_START === 'yes' }),
    issuing: fileKeyring(FLEET_FOLDER),
  },
  background: false,
})
const { certificate, chain } = await fleet.enroll('sensor-1')
process.stdout.write(certificate + chain + fleet.trustAnchors)
await fleet.close()
