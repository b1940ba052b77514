import { fileKeyring } from '@fleetcert/core'
import { testSigner } from '@fleetcert/core/testing'
import { afterEach, beforeEach, describe, it, vi } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

// Keys in the clear are meant here.
beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
afterEach(() => vi.restoreAllMocks())

const algorithms = ['P-256', 'P-384', 'Ed25519', 'RSA-2048', 'ML-DSA-44', 'ML-DSA-65'] as const

describe.each([
  ['in the clear', {}],
  ['with a passphrase', { passphrase: 'open sesame' }],
  ['with a passphrase that is asked for', { passphrase: async () => 'open sesame' }],
])('fileKeyring %s', (_, options) => {
  testSigner(
    { describe, it },
    {
      algorithms,
      async create() {
        const folder = temporaryDirectory()
        return {
          keyring: fileKeyring(folder.directory, options),
          reopen: async () => fileKeyring(folder.directory, options),
          dispose: async () => folder.remove(),
        }
      },
    },
  )
})
