import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { lintCertificate } from '@fleetcert/core'
import {
  certificateFingerprint,
  formatName,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  parseOcspResponse,
  parsePublicKey,
  publicKeyFingerprint,
  verifyCertificationRequest,
} from '@fleetcert/x509'
import type { Inspected } from './inspected.ts'
import { dateWords, keyWords, nameWords, purposeWords } from './words.ts'

type Reader = (der: Uint8Array, now: Date) => Inspected

/** What a PEM label promises. */
const byLabel: Readonly<Record<string, Reader>> = {
  CERTIFICATE: certificate,
  'CERTIFICATE REQUEST': request,
  'NEW CERTIFICATE REQUEST': request,
  'X509 CRL': crl,
  'PUBLIC KEY': publicKey,
  'PRIVATE KEY': der => privateKey(der, 'pkcs8'),
  'EC PRIVATE KEY': der => privateKey(der, 'sec1'),
  'RSA PRIVATE KEY': der => privateKey(der, 'pkcs1'),
  'ENCRYPTED PRIVATE KEY': () => encryptedKey,
}
const encryptedKey: Inspected = {
  type: 'encryptedPrivateKey',
  facts: { key: 'encrypted: fleetcert asks for no passphrase to look at it' },
}
/** Of a DER file nothing says what it is: the first reader that takes it is right, for none takes what is another's. */
const byContent: readonly Reader[] = [
  certificate,
  request,
  crl,
  ocspResponse,
  publicKey,
  der => privateKey(der, 'pkcs8'),
  pkcs12,
]

/** What a block of PEM is; with what is wrong where it is not what its label says. */
export function inspectBlock(label: string, der: Uint8Array, now: Date): Inspected {
  const read = Object.hasOwn(byLabel, label) ? byLabel[label] : undefined
  if (read === undefined) return { type: 'unknown', facts: { label } }
  try {
    return read(der, now)
  } catch (error) {
    return { type: 'unknown', facts: { label, fault: (error as Error).message } }
  }
}

/** What DER octets are. */
export function inspectDer(der: Uint8Array, now: Date): Inspected {
  for (const read of byContent) {
    try {
      return read(der, now)
    } catch {
      // It is something else.
    }
  }
  return { type: 'unknown', facts: { octets: String(der.length) } }
}

function certificate(der: Uint8Array, now: Date): Inspected {
  const read = parseCertificate(der)
  const { subject, issuer, basicConstraints, publicKey: key, crlDistributionPoints, authorityInfoAccess } = read
  const isCa = basicConstraints?.cA === true
  const ends = now > read.notAfter ? 'expired ' : now < read.notBefore ? 'not valid yet ' : ''
  return {
    type: 'certificate',
    facts: {
      subject: formatName(subject),
      names: nameWords(read.subjectAltName),
      issuer: formatName(issuer),
      kind: isCa ? 'CA' : 'end entity',
      purpose: purposeWords(read.extendedKeyUsage),
      'key usage': read.keyUsage?.join(', '),
      key: keyWords(key),
      signature: read.signatureAlgorithm ?? read.signatureAlgorithmOid,
      'serial number': read.serialNumber,
      'valid from': dateWords(read.notBefore, now),
      'valid until': `${ends}${dateWords(read.notAfter, now)}`,
      CRL: said(crlDistributionPoints),
      OCSP: said(authorityInfoAccess?.ocsp),
      fingerprint: certificateFingerprint(der),
      'key fingerprint': publicKeyFingerprint(read.subjectPublicKeyInfo),
    },
    findings: lintCertificate(der),
  }
}

/** `undefined` for nothing, which is left out. */
function said(urls: readonly string[] = []): string | undefined {
  return urls.length === 0 ? undefined : urls.join(' ')
}

function request(der: Uint8Array): Inspected {
  const read = parseCertificationRequest(der)
  let proof = 'good'
  try {
    verifyCertificationRequest(read)
  } catch {
    proof = 'does not fit its key'
  }
  return {
    type: 'certificationRequest',
    facts: {
      subject: formatName(read.subject),
      'asks for names': nameWords(read.requestedSubjectAltName),
      key: keyWords(read.publicKey),
      signature: `${read.signatureAlgorithm}, ${proof}`,
      'key fingerprint': publicKeyFingerprint(read.subjectPublicKeyInfo),
    },
  }
}

function crl(der: Uint8Array, now: Date): Inspected {
  const read = parseCrl(der)
  return {
    type: 'crl',
    facts: {
      issuer: formatName(read.issuer),
      kind: read.baseCrlNumber === undefined ? 'full' : `delta to CRL ${read.baseCrlNumber}`,
      number: read.crlNumber?.toString(),
      made: dateWords(read.thisUpdate, now),
      'next by': read.nextUpdate === undefined ? undefined : dateWords(read.nextUpdate, now),
      revoked: String(read.entries.length),
      signature: read.signatureAlgorithm ?? read.signatureAlgorithmOid,
    },
  }
}

function ocspResponse(der: Uint8Array, now: Date): Inspected {
  const read = parseOcspResponse(der)
  if (read.status !== 'successful') return { type: 'ocspResponse', facts: { status: read.status } }
  const answers = read.responses.map(
    ({ certId, certStatus, reason }) =>
      `${certId.serialNumber}: ${certStatus}${reason === undefined ? '' : ` (${reason})`}`,
  )
  const [first] = read.responses
  return {
    type: 'ocspResponse',
    facts: {
      status: read.status,
      answers: answers.join(', '),
      made: dateWords(read.producedAt, now),
      'next by': first?.nextUpdate === undefined ? undefined : dateWords(first.nextUpdate, now),
      signature: read.signatureAlgorithm ?? read.signatureAlgorithmOid,
    },
  }
}

function publicKey(der: Uint8Array): Inspected {
  const key = parsePublicKey(der)
  return { type: 'publicKey', facts: { key: keyWords(key), 'key fingerprint': publicKeyFingerprint(der) } }
}

function privateKey(der: Uint8Array, type: 'pkcs8' | 'sec1' | 'pkcs1'): Inspected {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: Buffer.from(der), format: 'der', type })
  } catch {
    // The library's own words may quote octets of the key.
    throw new Error('not a private key that can be read')
  }
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return {
    type: 'privateKey',
    facts: { key: keyWords(parsePublicKey(spki)), protection: 'none', 'key fingerprint': publicKeyFingerprint(spki) },
  }
}

/** PFX ::= SEQUENCE { version INTEGER 3, … (RFC 7292 section 4). */
function pkcs12(der: Uint8Array): Inspected {
  const at = der[1] === 0x80 ? 2 : (der[1] ?? 0) < 0x80 ? 2 : 2 + ((der[1] ?? 0) & 0x7f)
  if (der[0] !== 0x30 || der[at] !== 0x02 || der[at + 1] !== 1 || der[at + 2] !== 3) throw new Error('no PFX')
  const digest = createHash('sha256').update(der).digest('hex')
  return { type: 'pkcs12', facts: { content: 'a key and its certificates under a passphrase', 'file sha256': digest } }
}
