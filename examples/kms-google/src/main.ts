import { execFileSync } from 'node:child_process'
import { fileKeyring, memoryStore, openFleet, remoteKeyring } from '@fleetcert/core'
import { googleKmsSigner } from './google-kms-signer.ts'

const { ROOT_KEY = '', FLEET_FOLDER = 'fleet', FIRST_START } = process.env
// In a service: google-auth-library, which knows every way of Google's to come by a token.
const accessToken = async (): Promise<string> =>
  execFileSync('gcloud', ['auth', 'print-access-token'], { encoding: 'utf8' }).trim()

const fleet = await openFleet({
  // sqliteStore({ file }) in earnest
  store: memoryStore(),
  keyring: {
    root: remoteKeyring(
      { root: () => googleKmsSigner({ keyVersion: ROOT_KEY, accessToken }) },
      { firstStart: FIRST_START === 'yes' },
    ),
    issuing: fileKeyring(FLEET_FOLDER),
  },
  background: false,
})
const { certificate, chain } = await fleet.enroll('sensor-1')
process.stdout.write(certificate + chain + fleet.trustAnchors)
await fleet.close()
