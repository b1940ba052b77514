import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { SignatureAlgorithm } from '@fleetcert/x509'
import type { KeyAlgorithm, Keyring, Signer } from '../signer/signer.ts'
import { skipTest, type TestRunner } from './test-runner.ts'

/** A keyring with its keys, as the suite gets it for one test. */
export interface SignerSubject {
  /** Holds no key. */
  readonly keyring: Keyring
  /** Opens the same keys again, as after a restart. */
  readonly reopen?: () => Promise<Keyring>
  /** Closes what is open and removes the keys. */
  dispose(): Promise<void>
}

export interface SignerFactory {
  create(): Promise<SignerSubject>
  /** The kinds of key that the keyring makes. */
  readonly algorithms: readonly KeyAlgorithm[]
  /** Tests that cannot be run on this keyring, each with the reason that is shown. */
  readonly skip?: { readonly reopen?: string }
}

const signatureAlgorithms: Readonly<Record<KeyAlgorithm, SignatureAlgorithm>> = {
  'P-256': 'ecdsa-with-SHA256',
  'P-384': 'ecdsa-with-SHA384',
  Ed25519: 'id-Ed25519',
  'RSA-2048': 'sha256WithRSAEncryption',
  'RSA-3072': 'sha256WithRSAEncryption',
  'RSA-4096': 'sha256WithRSAEncryption',
  'ML-DSA-44': 'id-ml-dsa-44',
  'ML-DSA-65': 'id-ml-dsa-65',
}

const digests: Readonly<Partial<Record<SignatureAlgorithm, string>>> = {
  'ecdsa-with-SHA256': 'sha256',
  'ecdsa-with-SHA384': 'sha384',
  sha256WithRSAEncryption: 'sha256',
}

const message = Uint8Array.from({ length: 1000 }, (_, index) => index % 251)

/**
 * The conformance suite of `Keyring` and `Signer`: keys are made, found again and deleted by name, and every signature verifies, judged by node:crypto.
 *
 * @example
 * ```ts
 * import { memoryKeyring } from '@fleetcert/core'
 * import { testSigner } from '@fleetcert/core/testing'
 * import { describe, it } from 'node:test'
 *
 * testSigner({ describe, it }, {
 *   algorithms: ['P-256'],
 *   create: async () => ({ keyring: memoryKeyring(), dispose: async () => {} }),
 *   skip: { reopen: 'keys live in memory' },
 * })
 * ```
 */
export function testSigner(runner: TestRunner, factory: SignerFactory): void {
  const test = (name: string, body: (subject: SignerSubject) => Promise<void>): void => {
    runner.it(name, async () => {
      const subject = await factory.create()
      try {
        await body(subject)
      } finally {
        await subject.dispose()
      }
    })
  }
  for (const algorithm of factory.algorithms) {
    runner.describe(`signer: ${algorithm}`, () => signerTests(test, algorithm))
  }
  runner.describe('keyring', () => keyringTests(runner, test, factory))
}

type Test = (name: string, body: (subject: SignerSubject) => Promise<void>) => void

function signerTests(test: Test, algorithm: KeyAlgorithm): void {
  test('the key is of the kind that was asked for', async ({ keyring }) => {
    const signer = await keyring.create('key', algorithm)
    assert.equal(signer.algorithm, signatureAlgorithms[algorithm])
    assert.equal(kindOf(publicKeyOf(signer)), algorithm)
  })

  test('a signature verifies, over one piece and over parts', async ({ keyring }) => {
    const signer = await keyring.create('key', algorithm)
    const before = Uint8Array.from(message)
    const parts = [message.subarray(0, 1), message.subarray(1, 1), message.subarray(1, 700), message.subarray(700)]
    assertSignature(signer, message, await signer.sign(message))
    assertSignature(signer, message, await signer.sign(parts))
    assertSignature(signer, message, await signer.sign(once(parts)))
    assert.deepEqual(message, before, 'the message must be left as it is')
  })

  test('an empty and a long message are signed', async ({ keyring }) => {
    const signer = await keyring.create('key', algorithm)
    assertSignature(signer, new Uint8Array(), await signer.sign(new Uint8Array()))
    assertSignature(signer, new Uint8Array(), await signer.sign([]))
    const part = new Uint8Array(1024 * 1024).fill(7)
    assertSignature(signer, Buffer.concat([part, part, part]), await signer.sign(once([part, part, part])))
  })

  test('many signatures at once all verify', async ({ keyring }) => {
    const signer = await keyring.create('key', algorithm)
    const messages = Array.from({ length: 16 }, (_, index) => message.subarray(index))
    const signatures = await Promise.all(messages.map(part => signer.sign(part)))
    for (const [index, signature] of signatures.entries()) assertSignature(signer, messages[index]!, signature)
  })

  test("signing with an aborted signal rejects with the signal's reason", async ({ keyring }) => {
    const signer = await keyring.create('key', algorithm)
    const reason = new Error('given up')
    await assert.rejects(signer.sign(message, { signal: AbortSignal.abort(reason) }), error => error === reason)
  })
}

function keyringTests(runner: TestRunner, test: Test, factory: SignerFactory): void {
  const algorithm = factory.algorithms[0]
  assert(algorithm, 'the factory must name an algorithm')

  test('a key is found by its name and is the same key', async ({ keyring }) => {
    assert.equal(await keyring.open('issuing-ca'), undefined)
    const made = await keyring.create('issuing-ca', algorithm)
    const opened = await keyring.open('issuing-ca')
    assert(opened)
    assert.deepEqual(opened.publicKey, made.publicKey)
    assert.equal(opened.algorithm, made.algorithm)
    assertSignature(made, message, await opened.sign(message))
  })

  test('a name is taken once, and the key stays', async ({ keyring }) => {
    const { publicKey } = await keyring.create('key', algorithm)
    await assert.rejects(keyring.create('key', algorithm), { code: 'ERR_PKI_KEY_EXISTS' })
    assert.deepEqual((await keyring.open('key'))?.publicKey, publicKey)
  })

  test('of several that make the same key at once, one does', async ({ keyring }) => {
    const made = await Promise.allSettled(Array.from({ length: 4 }, () => keyring.create('key', algorithm)))
    const winners = made.filter(result => result.status === 'fulfilled')
    assert.equal(winners.length, 1)
    for (const result of made) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'ERR_PKI_KEY_EXISTS')
    }
    assert.deepEqual((await keyring.open('key'))?.publicKey, winners[0]?.value.publicKey)
  })

  test('keys are listed and deleted by name', async ({ keyring }) => {
    assert.deepEqual(await keyring.list(), [])
    await keyring.create('key-2', algorithm)
    await keyring.create('key-1', algorithm)
    assert.deepEqual([...(await keyring.list())].sort(), ['key-1', 'key-2'])
    await keyring.delete('key-1')
    await keyring.delete('key-1')
    assert.deepEqual(await keyring.list(), ['key-2'])
    assert.equal(await keyring.open('key-1'), undefined)
    await keyring.create('key-1', algorithm)
  })

  test('a name outside the rule is refused', async ({ keyring }) => {
    for (const name of ['', 'A', '1key', '-key', 'a/b', '../key', 'a.b', 'a b', `a${'b'.repeat(64)}`, 'ä']) {
      await assert.rejects(keyring.create(name, algorithm), { code: 'ERR_PKI_KEY_NAME' }, name)
      await assert.rejects(keyring.open(name), { code: 'ERR_PKI_KEY_NAME' }, name)
    }
    await keyring.create(`a${'b'.repeat(63)}`, algorithm)
  })

  const restarted = 'keys are there after a restart'
  if (factory.skip?.reopen !== undefined) skipTest(runner, restarted, factory.skip.reopen)
  else
    test(restarted, async ({ keyring, reopen }) => {
      assert(reopen, 'the factory must give `reopen`, or a reason in `skip.reopen`')
      const made = await keyring.create('key', algorithm)
      const again = await reopen()
      assert.deepEqual(await again.list(), ['key'])
      const opened = await again.open('key')
      assert(opened)
      assertSignature(made, message, await opened.sign(message))
    })
}

function* once(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  yield* parts
}

function publicKeyOf(signer: Signer): KeyObject {
  return createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
}

/** In the words of `KeyAlgorithm`. */
function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === 'rsa') return `RSA-${details?.modulusLength}`
  if (type === 'ec') return { prime256v1: 'P-256', secp384r1: 'P-384' }[details?.namedCurve ?? ''] ?? type
  return type === 'ed25519' ? 'Ed25519' : `${type}`.toUpperCase()
}

function assertSignature(signer: Signer, signed: Uint8Array, signature: Uint8Array): void {
  // The default encoding of an ECDSA signature in node:crypto is DER, as in X.509.
  assert.equal(verify(digests[signer.algorithm], signed, publicKeyOf(signer), signature), true)
}
