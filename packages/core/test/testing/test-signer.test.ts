import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileKeyring, type Keyring, memoryKeyring, type Signer } from '@fleetcert/core'
import { type SignerFactory, testSigner } from '@fleetcert/core/testing'
import { describe, it } from 'vitest'

describe('memoryKeyring', () => {
  testSigner(
    { describe, it },
    {
      algorithms: ['P-256', 'P-384', 'Ed25519', 'RSA-2048', 'ML-DSA-44', 'ML-DSA-65'],
      create: async () => ({ keyring: memoryKeyring(), dispose: async () => {} }),
      skip: { reopen: 'its keys are gone with their process' },
    },
  )
})

describe('fileKeyring', () => {
  testSigner(
    { describe, it },
    {
      algorithms: ['P-256', 'Ed25519'],
      async create() {
        const folder = await mkdtemp(join(tmpdir(), 'fleetcert-keys-'))
        return {
          keyring: fileKeyring(folder),
          reopen: async () => fileKeyring(folder),
          dispose: () => rm(folder, { recursive: true }),
        }
      },
    },
  )
})

/** A memory keyring that hands out its signers changed. */
function withSigners(change: (signer: Signer) => Partial<Signer>): Keyring {
  const keyring = memoryKeyring()
  const changed = (signer: Signer): Signer => ({
    algorithm: signer.algorithm,
    publicKey: signer.publicKey,
    sign: (message, options) => signer.sign(message, options),
    ...change(signer),
  })
  return {
    create: async (name, algorithm) => changed(await keyring.create(name, algorithm)),
    open: async name => {
      const signer = await keyring.open(name)
      return signer && changed(signer)
    },
    list: () => keyring.list(),
    delete: name => keyring.delete(name),
  }
}

const faults: Readonly<Record<string, () => Keyring>> = {
  'signs the first part alone': () =>
    withSigners(signer => ({
      sign: (message, options) =>
        signer.sign(message instanceof Uint8Array ? message : ([...message][0] ?? new Uint8Array()), options),
    })),
  'signs something else': () =>
    withSigners(signer => ({ sign: (_, options) => signer.sign(new Uint8Array(1), options) })),
  'names another algorithm': () => withSigners(() => ({ algorithm: 'ecdsa-with-SHA384' })),
  'does not hear signals': () => withSigners(signer => ({ sign: message => signer.sign(message) })),
  'makes a key over another': () => {
    const keyring = memoryKeyring()
    return {
      ...keyring,
      async create(name, algorithm) {
        await keyring.delete(name)
        return keyring.create(name, algorithm)
      },
    }
  },
  'makes a new key when it should open one': () => {
    const keyring = memoryKeyring()
    return {
      ...keyring,
      async open(name) {
        if ((await keyring.open(name)) === undefined) return undefined
        await keyring.delete(name)
        return keyring.create(name, 'P-256')
      },
    }
  },
  'takes any name': () => {
    const keyring = memoryKeyring()
    return { ...keyring, open: name => keyring.open(name).catch(() => undefined) }
  },
}

describe('the conformance suite of signers catches a keyring that', () => {
  async function failures(create: () => Keyring): Promise<number> {
    const bodies: (() => Promise<void>)[] = []
    const factory: SignerFactory = {
      algorithms: ['P-256'],
      create: async () => ({ keyring: create(), dispose: async () => {} }),
      skip: { reopen: 'in memory' },
    }
    testSigner({ describe: (_, body) => body(), it: (_, body) => bodies.push(body) }, factory)
    const results = await Promise.allSettled(bodies.map(body => body()))
    return results.filter(result => result.status === 'rejected').length
  }

  it('nothing is wrong with: no test fails', async () => {
    assert.equal(await failures(memoryKeyring), 0)
  })

  for (const [name, create] of Object.entries(faults)) {
    it(name, async () => {
      assert((await failures(create)) > 0, 'no test of the suite failed')
    })
  }
})
