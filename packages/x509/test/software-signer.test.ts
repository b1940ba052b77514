import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concat } from '../src/der/index.ts'
import { softwareSigner, verifySignature } from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'
import { makeSigner, type TestKey } from './support/issue.ts'

const keys: readonly (readonly [TestKey, string, string | null])[] = [
  ['P-256', 'ecdsa-with-SHA256', 'sha256'],
  ['P-384', 'ecdsa-with-SHA384', 'sha384'],
  ['P-521', 'ecdsa-with-SHA512', 'sha512'],
  ['Ed25519', 'id-Ed25519', null],
  ['RSA', 'sha256WithRSAEncryption', 'sha256'],
  ['ml-dsa-44', 'id-ml-dsa-44', null],
  ['ml-dsa-65', 'id-ml-dsa-65', null],
]

describe('softwareSigner', () => {
  it.each(keys)('%s signs %s', async (key, algorithm, hash) => {
    const signer = makeSigner(key)
    expect(signer.algorithm).toBe(algorithm)
    const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
    const message = Buffer.from('message')
    expect(verify(hash, message, publicKey, await signer.sign(message))).toBe(true)
    const inParts = await signer.sign([message.subarray(0, 3), message.subarray(3)])
    expect(verify(hash, message, publicKey, inParts)).toBe(true)
    expect(verify(hash, new Uint8Array(0), publicKey, await signer.sign([]))).toBe(true)
  })

  it.each(['P-256', 'Ed25519', 'RSA', 'ml-dsa-44'] as const)(
    '%s signs long messages, in parts and whole, and lets others run',
    async key => {
      const signer = makeSigner(key)
      const parts = Array.from({ length: 9 }, (_, index) => new Uint8Array(1024 * 1024 + 1).fill(index))
      let turns = 0
      const timer = setInterval(() => turns++, 0)
      const signature = await signer.sign(parts)
      const whole = await signer.sign(concat(parts))
      clearInterval(timer)
      expect(verifySignature(signer.algorithm, signer.publicKey, concat(parts), signature)).toBe(true)
      expect(verifySignature(signer.algorithm, signer.publicKey, concat(parts), whole)).toBe(true)
      expect(turns).toBeGreaterThan(0)
    },
  )

  it('takes a generator', async () => {
    const signer = makeSigner()
    const signature = await signer.sign(
      (function* () {
        yield Buffer.from('mes')
        yield Buffer.from('sage')
      })(),
    )
    expect(verifySignature(signer.algorithm, signer.publicKey, Buffer.from('message'), signature)).toBe(true)
  })

  it('stops when aborted', async () => {
    const signer = makeSigner()
    const reason = new Error('enough')
    await expect(signer.sign(new Uint8Array(1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const signing = signer.sign(new Array(20).fill(new Uint8Array(1024 * 1024)), { signal: controller.signal })
    controller.abort(reason)
    await expect(signing).rejects.toBe(reason)
  })

  it('refuses keys it has no algorithm for', () => {
    expectPkiError(() => softwareSigner(generateKeyPairSync('x25519').privateKey), 'ERR_PKI_ALGORITHM')
    expectPkiError(
      () => softwareSigner(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey),
      'ERR_PKI_ALGORITHM',
    )
    expectPkiError(
      () => softwareSigner(generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey),
      'ERR_PKI_ALGORITHM',
    )
    expect(() => softwareSigner(generateKeyPairSync('ed25519').publicKey)).toThrow(TypeError)
    expect(() => softwareSigner(undefined as never)).toThrow(TypeError)
  })

  it('shows no private key', () => {
    const signer = makeSigner()
    expect(Object.keys(signer)).toEqual(['algorithm', 'publicKey', 'sign'])
    expect(JSON.stringify(signer)).not.toContain('PRIVATE')
  })
})
