import { constants, createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { integer, nullValue, objectIdentifier, octetString, sequence } from '../src/der/index.ts'
import {
  parseSignatureAlgorithm,
  type SignatureAlgorithm,
  signatureAlgorithmIdentifier,
  signatureVerifier,
  verifySignature,
} from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'
import { makeSigner } from './support/issue.ts'

const oids: Readonly<Record<SignatureAlgorithm, string>> = {
  'ecdsa-with-SHA256': '1.2.840.10045.4.3.2',
  'ecdsa-with-SHA384': '1.2.840.10045.4.3.3',
  'ecdsa-with-SHA512': '1.2.840.10045.4.3.4',
  'id-Ed25519': '1.3.101.112',
  sha256WithRSAEncryption: '1.2.840.113549.1.1.11',
  sha384WithRSAEncryption: '1.2.840.113549.1.1.12',
  sha512WithRSAEncryption: '1.2.840.113549.1.1.13',
  'id-ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'id-ml-dsa-65': '2.16.840.1.101.3.4.3.18',
}
const algorithms = Object.keys(oids) as SignatureAlgorithm[]
const message = Buffer.from('message')

describe('AlgorithmIdentifier', () => {
  it.each(algorithms)('%s goes both ways', algorithm => {
    const der = signatureAlgorithmIdentifier(algorithm)
    const parameters = algorithm.endsWith('RSAEncryption') ? [nullValue()] : []
    expect(der).toEqual(sequence(objectIdentifier(oids[algorithm]), ...parameters))
    expect(signatureAlgorithmIdentifier(algorithm)).toBe(der)
    expect(parseSignatureAlgorithm(der)).toBe(algorithm)
  })

  it('of RSA may lack its NULL (RFC 4055)', () => {
    expect(parseSignatureAlgorithm(sequence(objectIdentifier(oids.sha256WithRSAEncryption)))).toBe(
      'sha256WithRSAEncryption',
    )
  })

  it.each([
    ['SHA-1 with RSA', '1.2.840.113549.1.1.5', [nullValue()]],
    ['RSASSA-PSS', '1.2.840.113549.1.1.10', [sequence()]],
    ['ECDSA with SHA-1', '1.2.840.10045.4.1', []],
    ['ECDSA with NULL', oids['ecdsa-with-SHA256'], [nullValue()]],
    ['Ed25519 with NULL', oids['id-Ed25519'], [nullValue()]],
    ['ML-DSA with NULL', oids['id-ml-dsa-44'], [nullValue()]],
    ['RSA with INTEGER', oids.sha256WithRSAEncryption, [integer(1)]],
  ])('is not supported: %s', (_, oid, parameters) => {
    expectPkiError(() => parseSignatureAlgorithm(sequence(objectIdentifier(oid), ...parameters)), 'ERR_PKI_ALGORITHM')
  })

  it('is refused when malformed', () => {
    for (const der of [
      sequence(),
      nullValue(),
      new Uint8Array(0),
      sequence(objectIdentifier('1.2'), nullValue(), nullValue()),
    ]) {
      expectPkiError(() => parseSignatureAlgorithm(der), 'ERR_PKI_DER')
    }
  })

  it('is not made of an unknown name', () => {
    for (const name of ['sha1WithRSAEncryption', 'toString', '__proto__']) {
      expect(() => signatureAlgorithmIdentifier(name as never)).toThrow(TypeError)
    }
  })
})

describe('verifySignature', () => {
  const signers = {
    'P-256': makeSigner(),
    'P-384': makeSigner('P-384'),
    Ed25519: makeSigner('Ed25519'),
    RSA: makeSigner('RSA'),
    'ML-DSA-44': makeSigner('ml-dsa-44'),
    'ML-DSA-65': makeSigner('ml-dsa-65'),
  }

  it.each(Object.entries(signers))('%s: its own signature, and no other', async (_, signer) => {
    const signature = await signer.sign(message)
    expect(verifySignature(signer.algorithm, signer.publicKey, message, signature)).toBe(true)
    expect(verifySignature(signer.algorithm, signer.publicKey, Buffer.from('massage'), signature)).toBe(false)
    const damaged = Uint8Array.from(signature)
    damaged[damaged.length - 1]! ^= 1
    for (const other of [damaged, signature.subarray(1), new Uint8Array(0), Uint8Array.from([...signature, 0])]) {
      expect(verifySignature(signer.algorithm, signer.publicKey, message, other)).toBe(false)
    }
    for (const algorithm of algorithms) {
      if (algorithm !== signer.algorithm) {
        expect(verifySignature(algorithm, signer.publicKey, message, signature)).toBe(false)
      }
    }
  })

  it('takes any hash with any curve', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    expect(verifySignature('ecdsa-with-SHA256', spki, message, sign('sha256', message, privateKey))).toBe(true)
    expect(verifySignature('ecdsa-with-SHA512', spki, message, sign('sha512', message, privateKey))).toBe(true)
  })

  it('wants ECDSA as DER and RSA as PKCS #1 v1.5', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const raw = sign('sha256', message, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })
    expect(
      verifySignature('ecdsa-with-SHA256', ec.publicKey.export({ format: 'der', type: 'spki' }), message, raw),
    ).toBe(false)
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pss = sign('sha256', message, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })
    expect(
      verifySignature('sha256WithRSAEncryption', rsa.publicKey.export({ format: 'der', type: 'spki' }), message, pss),
    ).toBe(false)
  })

  it('is false for keys that are none', async () => {
    const { publicKey, algorithm, sign: makeSignature } = signers['P-256']
    const signature = await makeSignature(message)
    const offCurve = Uint8Array.from(publicKey)
    offCurve[offCurve.length - 1]! ^= 1
    for (const spki of [offCurve, new Uint8Array(0), publicKey.subarray(1), Uint8Array.from([...publicKey, 0])]) {
      expect(verifySignature(algorithm, spki, message, signature)).toBe(false)
    }
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const foreign = sign('sha256', message, secp256k1.privateKey)
    expect(
      verifySignature(
        'ecdsa-with-SHA256',
        secp256k1.publicKey.export({ format: 'der', type: 'spki' }),
        message,
        foreign,
      ),
    ).toBe(false)
  })

  it.each([
    [8192, true],
    [8200, false],
  ])('bounds the work for a stranger: RSA of %i bits', (bits, isVerified) => {
    // With the exponent 1 the padded hash is its own signature, so a key of any size can be had without making one.
    const n = Buffer.alloc(bits / 8, 0xff).toString('base64url')
    const spki = createPublicKey({ key: { kty: 'RSA', n, e: 'AQ' }, format: 'jwk' }).export({
      format: 'der',
      type: 'spki',
    })
    const hash = createHash('sha256').update(message).digest()
    const digestInfo = sequence(sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nullValue()), octetString(hash))
    const padding = Buffer.alloc(bits / 8 - digestInfo.length - 3, 0xff)
    const signature = Buffer.concat([Buffer.of(0, 1), padding, Buffer.of(0), digestInfo])
    expect(verifySignature('sha256WithRSAEncryption', spki, message, signature)).toBe(isVerified)
  })

  it('tells a caller about arguments that are no octets', () => {
    expect(() => verifySignature('id-Ed25519', 'x' as never, message, message)).toThrow(TypeError)
    expect(() => verifySignature('id-Ed25519', signers.Ed25519.publicKey, 'x' as never, message)).toThrow(TypeError)
    expect(() => verifySignature('nonsense' as never, signers.Ed25519.publicKey, message, message)).toThrow(TypeError)
  })
})

describe('signatureVerifier', () => {
  it('verifies often with one key', async () => {
    const signer = makeSigner()
    const verify = signatureVerifier(signer.publicKey)
    for (const text of ['a', 'b']) {
      const signature = await signer.sign(Buffer.from(text))
      expect(verify(signer.algorithm, Buffer.from(text), signature)).toBe(true)
      expect(verify(signer.algorithm, Buffer.from('c'), signature)).toBe(false)
    }
  })

  it('of a key that is none verifies nothing', () => {
    expect(signatureVerifier(new Uint8Array(3))('id-Ed25519', message, message)).toBe(false)
  })
})

describe('of a message in parts', () => {
  it.each(['P-256', 'P-384', 'Ed25519', 'RSA', 'ml-dsa-44'] as const)(
    'a %s key verifies as it does of the whole',
    async kind => {
      const signer = makeSigner(kind)
      const message = Buffer.from('message')
      const signature = await signer.sign(message)
      const verifier = signatureVerifier(signer.publicKey)
      const parts = [message.subarray(0, 3), message.subarray(3)]
      expect(await verifier.ofParts(signer.algorithm, parts, signature)).toBe(true)
      expect(await verifier.ofParts(signer.algorithm, [message], signature)).toBe(true)
      expect(await verifier.ofParts(signer.algorithm, parts.toReversed(), signature)).toBe(false)
      expect(await verifier.ofParts(signer.algorithm, [Buffer.from('other')], signature)).toBe(false)
      expect(await verifier.ofParts(signer.algorithm, parts, signature.subarray(1))).toBe(false)
      const another = kind === 'RSA' ? 'id-Ed25519' : 'sha256WithRSAEncryption'
      expect(await verifier.ofParts(another, parts, signature)).toBe(false)
      expect(await signatureVerifier(new Uint8Array(3)).ofParts(signer.algorithm, parts, signature)).toBe(false)
    },
  )
})
