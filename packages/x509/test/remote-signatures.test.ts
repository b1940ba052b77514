import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import { ecdsaSignatureValue, messageDigest } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'

const message = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, index) => index % 251)

describe('ecdsaSignatureValue', () => {
  it.each(['P-256', 'P-384', 'P-521'])('makes of the pair r‖s what X.509 has: %s', namedCurve => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
    // Leading zeros and first bits come in a few dozen tries.
    for (let round = 0; round < 64; round += 1) {
      const pair = sign('sha256', message.subarray(round, 100), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      expect(verify('sha256', message.subarray(round, 100), publicKey, ecdsaSignatureValue(pair))).toBe(true)
    }
  })

  it('refuses what is no pair', () => {
    for (const length of [0, 63, 134]) expect(() => ecdsaSignatureValue(new Uint8Array(length))).toThrow(RangeError)
  })
})

describe('messageDigest', () => {
  it('hashes as the algorithm does, one piece and parts, and leaves to Ed25519 the message', async () => {
    const parts = [message.subarray(0, 5), message.subarray(5)]
    for (const [algorithm, hash] of [
      ['ecdsa-with-SHA256', 'sha256'],
      ['ecdsa-with-SHA384', 'sha384'],
      ['sha512WithRSAEncryption', 'sha512'],
    ] as const) {
      const digest = new Uint8Array(createHash(hash).update(message).digest())
      expect(await messageDigest(algorithm, message)).toEqual({ hash, digest })
      expect(await messageDigest(algorithm, parts)).toEqual({ hash, digest })
    }
    const whole = await messageDigest('id-Ed25519', parts)
    expect(whole).toEqual({ hash: null, message })
    expect(whole.message).not.toBe(message)
  })

  it('ends with the caller', async () => {
    const reason = new Error('given up')
    const signal = AbortSignal.abort(reason)
    await expect(messageDigest('ecdsa-with-SHA256', message, { signal })).rejects.toBe(reason)
    const controller = new AbortController()
    const hashing = messageDigest('ecdsa-with-SHA256', message, { signal: controller.signal })
    controller.abort(reason)
    await expect(hashing).rejects.toBe(reason)
  })
})
