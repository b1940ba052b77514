import { createHash, createPublicKey } from 'node:crypto'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import {
  decodePem,
  keyId,
  parseCertificate,
  parseCertificationRequest,
  signatureAlgorithmIdentifier,
  verifyCertificationRequest,
} from '@fleetcert/x509'
import { bitString, context, integer, nullValue, objectIdentifier, sequence } from '@fleetcert/x509/der'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeVectors } from '../../../x509/test/support/vectors.ts'
import { createBlockedKeyCheck } from '../../src/authority/keys/blocked-keys.ts'

/** SubjectPublicKeyInfo of whatever the file holds; of a private key and a certificate, the public key. `undefined`: no key that anything reads. */
function spkiOf(text: string): Uint8Array | undefined {
  if (text.startsWith('{')) {
    try {
      return createPublicKey({ key: JSON.parse(text), format: 'jwk' }).export({ format: 'der', type: 'spki' })
    } catch {
      return undefined
    }
  }
  const block = decodePem(text.replace(/\[\.\.\.\]/, ''))[0]
  switch (block?.label) {
    case 'PUBLIC KEY':
      return block.der
    case 'RSA PUBLIC KEY':
      return sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue()), bitString(block.der))
    case 'CERTIFICATE':
      return parseCertificate(block.der).subjectPublicKeyInfo
    case 'RSA PRIVATE KEY':
    case 'PRIVATE KEY':
      try {
        return createPublicKey(text.slice(text.indexOf('-----BEGIN'))).export({ format: 'der', type: 'spki' })
      } catch {
        return undefined
      }
    default:
      return undefined
  }
}

/** A request with the key and a signature by nobody: the files hold public keys. A key that the policy lets pass is refused for that signature, and for that alone. */
const requestWith = (spki: Uint8Array): Uint8Array =>
  sequence(
    sequence(integer(0), sequence(), spki, context(0, true)),
    signatureAlgorithmIdentifier('sha256WithRSAEncryption'),
    bitString(new Uint8Array(256)),
  )

const policy = (reason: RegExp) => ({ code: 'ERR_PKI_KEY_POLICY', details: { reason: expect.stringMatching(reason) } })
const unsupported = policy(/^the key algorithm [a-z0-9.-]+ is not certified$/)
const malformed = { code: 'ERR_PKI_CERTIFICATE' }
const passes = { code: 'ERR_PKI_CSR_SIGNATURE' }
const noKey = 'no key that node:crypto or this reader loads, so there is nothing to request with'

const verdicts: Readonly<Record<string, object | typeof noKey>> = {
  'dh-ok.key': unsupported,
  'dsa-sshpub-ietf-example.key': noKey,
  'ec-p256-rfc-example.key': passes,
  'ecdsa-explicit-pub.key': unsupported,
  'ed25519-rfc-example.key': passes,
  'jwk-curvename-invalid.json': noKey,
  'jwk-ecp256-rfc7517.json': passes,
  'jwk-ed25519-rfc8037.json': passes,
  'jwk-rsa-ok.json': passes,
  'jwk-rsa-rfc7517.json': passes,
  'mldsa44.key': unsupported,
  'mldsa65-cert.crt': unsupported,
  'mlkem768-private.key': unsupported,
  // Only a list tells: see below.
  'rsa-debianweak.key': passes,
  'rsa-sharedprimes.key': passes,
  'rsa-e-larger-n.key': policy(/512$/),
  'rsa-e1.key': policy(/exponent must be odd and at least 65537/),
  'rsa-fermat-pkcs1.key': policy(/too close/),
  'rsa-fermat-pkcs8.key': policy(/too close/),
  'rsa-fermat.crt': policy(/too close/),
  'rsa-fermat.csr': policy(/too close/),
  'rsa-large-e.key': policy(/below 2\^256/),
  // Its owner, who is anybody, can sign: see below.
  'rsa-nprime.key': passes,
  'rsa-ok.key': passes,
  'rsa-pattern.key': policy(/pattern/),
  'rsa-roca.key': policy(/CVE-2017-15361/),
  'rsa-small-d.key': policy(/below 2\^256/),
  'rsa-smallfactors-corrupt.key': policy(/small prime factor/),
  'rsa-smallfactors-valid.key': policy(/small prime factor/),
  'rsa-vanity.key': policy(/pattern/),
  'rsanzero.key': malformed,
  'rsapoly128.key': policy(/pattern/),
  'rsapoly32.key': policy(/pattern|at least 2048 bits/),
  'rsazerozero.key': malformed,
  'x448-ok.key': unsupported,
  'defect/dh0.key': noKey,
  'defect/invalidver.crt': noKey,
  'defect/invalidver.csr': { code: 'ERR_PKI_CSR' },
  'defect/private-fragment.key': noKey,
  'defect/public-fragment.key': noKey,
  'unsupported/gost.crt': unsupported,
  'unsupported/gost.csr': { code: 'ERR_PKI_ALGORITHM' },
  'unsupported/mldsa44-both.key': unsupported,
  'unsupported/mldsa44-expanded.key': unsupported,
  'unsupported/slhdsa.key': unsupported,
  'unsupported/sm2-priv.key': unsupported,
  'unsupported/sm2-pub.key': unsupported,
}

const open = (blockedKeys: readonly string[] = []): Promise<Fleet> =>
  openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false, blockedKeys })

describeVectors('weak-keys', 'weak and odd keys collected by badkeys', ({ files, text }) => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await open()
  })
  afterAll(() => fleet.close())

  it('has a verdict for every file', () => {
    const found = [
      ...files().filter(file => /\./.test(file)),
      ...files('defect').map(file => `defect/${file}`),
      ...files('unsupported').map(file => `unsupported/${file}`),
    ]
    expect(found.sort()).toEqual(Object.keys(verdicts).sort())
  })

  it.each(Object.entries(verdicts))('%s', async (file, verdict) => {
    if (file.endsWith('.csr')) {
      await expect(fleet.enroll('a', { csr: text(file) })).rejects.toMatchObject(verdict as object)
      return
    }
    let spki: Uint8Array | undefined
    try {
      spki = spkiOf(text(file))
    } catch (error) {
      // A fragment, or a version that is none.
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_PKI_(?:PEM|DER|CERTIFICATE)$/) })
    }
    if (typeof verdict === 'string') {
      expect(spki, verdict).toBeUndefined()
    } else {
      await expect(fleet.enroll('a', { csr: requestWith(spki!) })).rejects.toMatchObject(verdict)
    }
    expect(await fleet.device('a')).toBeUndefined()
  })

  it.each(['rsa-debianweak.key', 'rsa-sharedprimes.key'])('%s is refused by a list of the operator', async file => {
    // Signed by nobody, it would not get as far as the list.
    const spki = spkiOf(text(file))!
    const check = createBlockedKeyCheck([keyId(spki)])!
    await expect(check(spki)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_BLOCKED' })
  })

  it('a modulus that is a prime is refused, though its request is signed well', async () => {
    // The private exponent of a prime modulus is e⁻¹ mod N − 1: anybody signs as its owner.
    const spki = spkiOf(text('rsa-nprime.key'))!
    const jwk = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' })
    const number = (part: string | undefined) => BigInt(`0x${Buffer.from(part!, 'base64url').toString('hex')}`)
    const modulus = number(jwk.n)
    const exponent = inverse(number(jwk.e), modulus - 1n)
    const info = sequence(integer(0), sequence(), spki, context(0, true))
    const digest = createHash('sha256').update(info).digest('hex')
    const padded = `0001${'ff'.repeat(202)}003031300d060960864801650304020105000420${digest}`
    const signature = power(BigInt(`0x${padded}`), exponent, modulus)
      .toString(16)
      .padStart(512, '0')
    const csr = sequence(
      info,
      signatureAlgorithmIdentifier('sha256WithRSAEncryption'),
      bitString(Buffer.from(signature, 'hex')),
    )
    expect(() => verifyCertificationRequest(parseCertificationRequest(csr))).not.toThrow()
    await expect(fleet.enroll('a', { csr })).rejects.toMatchObject(policy(/is a prime/))
    expect(await fleet.device('a')).toBeUndefined()
  })
})

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus
    if (bit === '1') result = (result * base) % modulus
  }
  return result
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value, 0n, 1n]
  while (r1 !== 0n) {
    const quotient = r0 / r1
    ;[r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1]
  }
  if (r0 !== 1n) throw new RangeError('value: expected a unit')
  return t0 < 0n ? t0 + modulus : t0
}
