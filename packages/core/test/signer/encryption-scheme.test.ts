import { generateKeyPairSync } from 'node:crypto'
import { decodePem, isPkiError } from '@fleetcert/core'
import { integer, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptPrivateKey } from '../../src/signer/encrypted-private-key.ts'
import { deriveKey, parseEncryptedPrivateKey } from '../../src/signer/encryption-scheme.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const der = decodePem(await encryptPrivateKey(privateKey, 'open sesame'))[0]!.der

describe('the reader of EncryptedPrivateKeyInfo', () => {
  it('reads what was written', () => {
    const { scheme, encrypted } = parseEncryptedPrivateKey(der)
    expect(scheme).toMatchObject({
      derivation: { type: 'scrypt', N: 16384, r: 8, p: 1 },
      cipher: { name: 'aes-256-cbc', keyOctets: 32 },
    })
    expect(encrypted).toHaveLength(64)
  })

  it('answers any change of it, and any octets, with a scheme, with none, or with ERR_PKI_DER', () => {
    const changed = fc
      .array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map(changes => changes.reduce((octets, [at, octet]) => octets.with(at, octet), der))
    const cut = fc.nat(der.length).map(length => der.subarray(0, length))
    const octets = fc.oneof(changed, cut, fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(octets, octets => {
        try {
          const { scheme } = parseEncryptedPrivateKey(octets)
          if (scheme === undefined) return
          expect(scheme.cipher.initializationVector).toHaveLength(16)
          expect([16, 24, 32]).toContain(scheme.cipher.keyOctets)
        } catch (error) {
          if (!isPkiError(error, 'ERR_PKI_DER')) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('takes scrypt parameters only if node:crypto takes them too', async () => {
    // What is cheap enough to be run here, and the corners of each limit.
    const corners = [
      [1 << 17, 8, 1],
      [1 << 20, 1, 1],
      [1 << 15, 1, 1],
      [1 << 16, 1, 1],
      [2, 1 << 16, 1],
      [2, 1, 1 << 16],
      [2, 1, 1],
      [16, 1 << 16, 1],
    ] as const
    for (const [N, r, p] of corners) {
      const { scheme } = parseEncryptedPrivateKey(withScrypt(N, r, p))
      if (scheme !== undefined) expect(await deriveKey(scheme, 'open sesame')).toHaveLength(32)
    }
    expect(parseEncryptedPrivateKey(withScrypt(1 << 17, 8, 1)).scheme).toBeDefined()
    expect(parseEncryptedPrivateKey(withScrypt(1 << 18, 8, 1)).scheme).toBeUndefined()
    expect(parseEncryptedPrivateKey(withScrypt(2, 1, (1 << 16) + 1)).scheme).toBeUndefined()
    expect(parseEncryptedPrivateKey(withScrypt(1 << 16, 1, 1)).scheme).toBeUndefined()
    expect(parseEncryptedPrivateKey(withScrypt(2, 0, 1)).scheme).toBeUndefined()
    expect(parseEncryptedPrivateKey(withScrypt(2, 1, 0)).scheme).toBeUndefined()
  })
})

function withScrypt(N: number, r: number, p: number): Uint8Array {
  const derivation = sequence(
    objectIdentifier('1.3.6.1.4.1.11591.4.11'),
    sequence(octetString(new Uint8Array()), integer(N), integer(r), integer(p)),
  )
  const cipher = sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octetString(new Uint8Array(16)))
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.5.13'), sequence(derivation, cipher))
  return sequence(algorithm, octetString(new Uint8Array(48)))
}
