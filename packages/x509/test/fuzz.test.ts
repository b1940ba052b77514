import { describe, expect, it } from 'vitest'
import {
  authorityInfoAccess,
  basicConstraints,
  createCertificationRequest,
  crlDistributionPoints,
  crlNumberExtension,
  encodeCertificateList,
  encodeName,
  encodePem,
  encodeRevokedEntry,
  encodeTbsCertList,
  extendedKeyUsage,
  extendedKeyUsageOids,
  issuingDistributionPoint,
  keyUsage,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  parseName,
  parsePublicKey,
  parseSignatureAlgorithm,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
  subjectAltName,
  verifyCertificationRequest,
  verifySignature,
} from '../src/index.ts'
import { outcomeOf } from './support/errors.ts'
import { assembleTbs, caName, issue, makeSigner } from './support/issue.ts'
import { mutate, seededRandom } from './support/random.ts'

const signers = [makeSigner(), makeSigner('Ed25519'), makeSigner('RSA')]
const signer = signers[0]!
const extensions = [
  basicConstraints({ cA: true, pathLength: 1 }),
  keyUsage(['digitalSignature']),
  extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
  subjectAltName([
    { type: 'dns', value: 'a.example' },
    { type: 'ip', value: '2001:db8::1' },
    { type: 'directoryName', value: caName },
  ]),
  crlDistributionPoints(['http://a.example/0.crl']),
  authorityInfoAccess({ ocsp: ['http://a.example/ocsp'] }),
]
const rounds = 3000

/** Damages `seeds` again and again, sometimes twice, and gives each to `read`, which may throw PkiError and nothing else. Answers how many were read. */
function fuzz(seeds: readonly Uint8Array[], read: (bytes: Uint8Array) => unknown): number {
  const random = seededRandom(20240601)
  let count = 0
  for (let round = 0; round < rounds; round++) {
    let bytes = seeds[round % seeds.length]!
    for (let times = random(3); times >= 0; times--) if (bytes.length > 0) bytes = mutate(bytes, random)
    if ('value' in outcomeOf(() => read(bytes))) count++
  }
  return count
}

describe('damaged input', () => {
  it('of parseCertificationRequest and the proof of possession', async () => {
    const seeds = await Promise.all(
      signers.map(key =>
        createCertificationRequest({
          subject: caName,
          signer: key,
          subjectAltName: [{ type: 'dns', value: 'a.example' }],
        }),
      ),
    )
    for (const seed of seeds) verifyCertificationRequest(parseCertificationRequest(seed))
    const read = fuzz(seeds, parseCertificationRequest)
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(rounds)
    // What is still read was damaged, so that it is not the key's any more, unless the damage was undone.
    const proved = fuzz(seeds, bytes => {
      const csr = parseCertificationRequest(bytes)
      verifyCertificationRequest(csr)
      expect(seeds.some(seed => Buffer.compare(seed, bytes) === 0)).toBe(true)
    })
    expect(proved).toBeLessThan(read)
  })

  it('of parseCertificate', async () => {
    const seeds = await Promise.all(signers.map(key => issue({ issuer: key, extensions })))
    const read = fuzz(seeds, bytes => {
      const { signatureAlgorithm, subjectPublicKeyInfo, tbsCertificate, signature } = parseCertificate(bytes)
      if (signatureAlgorithm) verifySignature(signatureAlgorithm, subjectPublicKeyInfo, tbsCertificate, signature)
    })
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(rounds)
  })

  it('of parseTbsCertificate', () => {
    expect(fuzz([assembleTbs({ issuer: signer, extensions })], parseTbsCertificate)).toBeLessThan(rounds)
  })

  it('of parseCrl', async () => {
    const revocation = {
      revocationDate: new Date('2024-01-01T00:00:00Z'),
      reason: 'keyCompromise',
      invalidityDate: new Date(0),
    } as const
    const tbs = encodeTbsCertList({
      signatureAlgorithm: signer.algorithm,
      issuerDer: encodeName(caName),
      thisUpdate: new Date('2024-01-01T00:00:00Z'),
      nextUpdate: new Date('2054-01-01T00:00:00Z'),
      entries: [encodeRevokedEntry({ serialNumber: 'ff', revocation })],
      extensions: [
        crlNumberExtension(1n),
        issuingDistributionPoint({ urls: ['http://a/'], onlyContainsUserCerts: true }),
      ],
    })
    expect(fuzz([encodeCertificateList(tbs, signer.algorithm, await signer.sign(tbs))], parseCrl)).toBeLessThan(rounds)
  })

  it('of parsePublicKey, parseName and parseSignatureAlgorithm', () => {
    expect(
      fuzz(
        signers.map(key => key.publicKey),
        parsePublicKey,
      ),
    ).toBeLessThan(rounds)
    expect(fuzz([encodeName(caName)], parseName)).toBeLessThan(rounds)
    expect(fuzz([signatureAlgorithmIdentifier('sha256WithRSAEncryption')], parseSignatureAlgorithm)).toBeLessThan(
      rounds,
    )
  })

  it('of verifySignature: false, never an exception', async () => {
    const message = Buffer.from('message')
    for (const key of signers) {
      const signature = await key.sign(message)
      const seeds = [signature, key.publicKey]
      const random = seededRandom(7)
      for (let round = 0; round < 200; round++) {
        const [damagedSignature, damagedKey] = seeds.map(seed => mutate(seed, random)) as [Uint8Array, Uint8Array]
        expect(verifySignature(key.algorithm, damagedKey, message, damagedSignature)).toBe(false)
      }
    }
  })

  it('in PEM', async () => {
    const pem = encodePem('CERTIFICATE', await issue({ issuer: signer, extensions }))
    const read = fuzz([Buffer.from(pem)], bytes => parseCertificate(Buffer.from(bytes).toString('latin1')))
    expect(read).toBeGreaterThan(0)
  })
})
