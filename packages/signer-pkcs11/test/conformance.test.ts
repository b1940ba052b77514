import { testSigner } from '@fleetcert/core/testing'
import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { describe, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { makeSoftHsm, modulePath, pin } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'pkcs11-tool'], 'pkcs11Keyring on SoftHSM', () => {
  testSigner(
    { describe, it },
    {
      algorithms: ['P-256', 'P-384', 'Ed25519', 'RSA-2048'],
      async create() {
        const hsm = makeSoftHsm('fleet')
        const open = () => pkcs11Keyring({ module: modulePath, tokenLabel: 'fleet', pin, sessions: 2 })
        let keyring = open()
        return {
          keyring,
          async reopen() {
            await keyring.close()
            keyring = open()
            return keyring
          },
          async dispose() {
            await keyring.close()
            hsm.remove()
          },
        }
      },
    },
  )
})
