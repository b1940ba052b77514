import {
  attributeValues,
  type Certificate,
  decodePem,
  extendedKeyUsageOids,
  isPkiError,
  PkiError,
  parseCertificate,
  verifySignature,
} from '@fleetcert/x509'
import { prepareCredential } from '../read-credential.ts'
import type { StoredCredential } from './identity-state.ts'
import { certificatesPem, joinTrustAnchors, pemCertificates } from './trust-anchors.ts'

/** Longer than any honest chain. */
const mostCertificates = 8
/** How far a hub's clock may be ahead of this one. */
const clockSkewMilliseconds = 300_000
const deviceUrn = 'urn:fleetcert:device:'

/** What is known of a certificate before it is there. */
export interface ExpectedCertificate {
  readonly deviceId: string
  /** PKCS #8 PEM. */
  readonly privateKey: string
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
  /** PEM: its chain must lead to one of them. */
  readonly believed: string
  /** PEM: kept with it. */
  readonly trustAnchors: string
  readonly now: Date
}

/**
 * Checks a certificate from a hub before anything is kept of it: strict DER; our key; our device id; a client's certificate, valid now; every signature of its chain, up to a root that is believed.
 * Last, OpenSSL must take it: what is kept can be connected with.
 *
 * @param answer - PEM: the certificate, then its issuing CAs
 * @throws PkiError `ERR_PKI_HUB_ANSWER`
 */
export function acceptCertificate(answer: unknown, expected: ExpectedCertificate): StoredCredential {
  const sent = readCertificates(answer)
  const [endEntity] = sent as [Certificate, ...Certificate[]]
  checkEndEntity(endEntity, expected)
  const issuers = sent.slice(1)
  // A root that is sent along is none that is believed for it; it is of no use to a server either.
  if (issuers.at(-1) !== undefined && isSelfIssued(issuers.at(-1)!)) issuers.pop()
  const roots = pemCertificates(expected.believed).flatMap(readRoot)
  checkChain([endEntity, ...issuers], roots, expected.now)
  const certificate = certificatesPem([endEntity, ...issuers].map(({ der }) => der))
  const credential = { certificate, privateKey: expected.privateKey, trustAnchors: expected.trustAnchors }
  try {
    prepareCredential({ ...credential, trustAnchors: joinTrustAnchors(expected.believed, expected.trustAnchors) })
  } catch (cause) {
    throw refused('OpenSSL does not take the certificate', cause)
  }
  return credential
}

function readCertificates(answer: unknown): Certificate[] {
  if (typeof answer !== 'string') throw refused('it holds no certificate')
  try {
    const blocks = decodePem(answer)
    if (blocks.length === 0) throw refused('it holds no certificate')
    if (blocks.length > mostCertificates) throw refused('its chain is too long')
    if (!blocks.every(({ label }) => label === 'CERTIFICATE')) throw refused('it holds more than certificates')
    return blocks.map(({ der }) => parseCertificate(der))
  } catch (cause) {
    if (isPkiError(cause, 'ERR_PKI_HUB_ANSWER')) throw cause
    throw refused('its certificate cannot be read', cause)
  }
}

function checkEndEntity(certificate: Certificate, { deviceId, publicKey, now }: ExpectedCertificate): void {
  if (Buffer.compare(certificate.subjectPublicKeyInfo, publicKey) !== 0) {
    throw refused('the certificate is for another key')
  }
  if (!isFor(certificate, deviceId)) throw refused('the certificate is for another device id')
  const { basicConstraints, keyUsage, extendedKeyUsage, notBefore, notAfter } = certificate
  if (basicConstraints?.cA === true) throw refused('the certificate is that of a CA')
  if (keyUsage?.includes('digitalSignature') === false) throw refused('the certificate is not for signatures')
  if (extendedKeyUsage?.includes(extendedKeyUsageOids.clientAuth) === false) {
    throw refused('the certificate is not for clients')
  }
  if (notAfter.getTime() <= now.getTime()) throw refused('the certificate has expired')
  if (notBefore.getTime() > now.getTime() + clockSkewMilliseconds) {
    throw refused('the certificate is not valid yet: is the clock right?')
  }
}

/** The common name, the URN of the fleet, or both; neither may be somebody else's. */
function isFor({ subject, subjectAltName = [] }: Certificate, deviceId: string): boolean {
  const urns = subjectAltName.flatMap(name =>
    name.type === 'uri' && name.value.startsWith(deviceUrn) ? name.value : [],
  )
  const names = [...attributeValues(subject, 'CN'), ...urns.map(urn => urn.slice(deviceUrn.length))]
  return names.length > 0 && names.every(name => name === deviceId)
}

/**
 * The chain as a server gets it: each certificate signed by the next, up to one that a root which is believed has signed. What comes behind is for those who know another root: where a root is being replaced, its
 * certificate by that other one.
 */
function checkChain(chain: readonly Certificate[], roots: readonly Certificate[], now: Date): void {
  let intermediates = 0
  for (const [index, certificate] of chain.entries()) {
    if (index > 0 && !isSelfIssued(certificate)) intermediates += 1
    const next = chain[index + 1]
    const root = roots.find(candidate => isIssuedBy(certificate, candidate))
    const issuer = root ?? (next !== undefined && isIssuedBy(certificate, next) ? next : undefined)
    if (issuer === undefined) {
      throw refused(
        next === undefined ? 'its chain leads to no CA that is believed' : 'its chain does not hold together',
      )
    }
    if (issuer.basicConstraints?.cA !== true || issuer.keyUsage?.includes('keyCertSign') === false) {
      throw refused('its chain holds an issuer that is no CA')
    }
    // RFC 5280 section 4.2.1.9: "the maximum number of non-self-issued intermediate certificates that may follow this certificate".
    if ((issuer.basicConstraints.pathLength ?? mostCertificates) < intermediates)
      throw refused('its chain is longer than allowed')
    if (issuer.notAfter.getTime() <= now.getTime()) throw refused('its chain holds a CA that has expired')
    if (root !== undefined) return
  }
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { signatureAlgorithm, tbsCertificate, signature } = certificate
  if (signatureAlgorithm === undefined || Buffer.compare(certificate.issuerDer, issuer.subjectDer) !== 0) return false
  return verifySignature(signatureAlgorithm, issuer.subjectPublicKeyInfo, tbsCertificate, signature)
}

/** OpenSSL ends a chain at a self-signed certificate alone: an issuing CA among those that are believed is only help on the way. */
function readRoot(der: Uint8Array): Certificate[] {
  try {
    const certificate = parseCertificate(der)
    return isSelfIssued(certificate) && isIssuedBy(certificate, certificate) ? [certificate] : []
  } catch {
    // What a person has put there may be beyond this reader.
    return []
  }
}

function isSelfIssued({ issuerDer, subjectDer }: Certificate): boolean {
  return Buffer.compare(issuerDer, subjectDer) === 0
}

function refused(reason: string, cause?: unknown): PkiError<'ERR_PKI_HUB_ANSWER'> {
  return new PkiError('ERR_PKI_HUB_ANSWER', { reason }, cause === undefined ? undefined : { cause })
}
