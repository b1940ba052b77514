import { certificateFingerprint, decodePem, encodePem, PkiError, parseCertificate } from '@fleetcert/x509'

/** More than a device has any use for; each one costs time in every handshake. */
const mostTrustAnchors = 32

/** The DER of the certificates in PEM texts, each once. Nothing but the PEM is checked. */
export function pemCertificates(...texts: readonly string[]): Uint8Array[] {
  const found = new Map<string, Uint8Array>()
  for (const text of texts) {
    for (const { der } of decodePem(text, 'CERTIFICATE')) found.set(certificateFingerprint(der), der)
  }
  return [...found.values()]
}

/** One PEM text of certificates. */
export function certificatesPem(ders: readonly Uint8Array[]): string {
  return ders.map(der => encodePem('CERTIFICATE', der)).join('')
}

/** PEM texts as one, each certificate once. */
export function joinTrustAnchors(...texts: readonly string[]): string {
  return certificatesPem(pemCertificates(...texts))
}

/**
 * The CAs of an announcement that are worth keeping: those that have expired are left out.
 *
 * @throws PkiError `ERR_PKI_HUB_ANSWER` for one that is empty, not PEM, too long, or holds anything but CA certificates
 */
export function readAnnouncement(text: unknown, now: Date): string {
  if (typeof text !== 'string') throw refused('it names no trust anchors')
  let ders: Uint8Array[]
  try {
    ders = pemCertificates(text)
  } catch (cause) {
    throw refused('its trust anchors are not PEM', cause)
  }
  if (ders.length > mostTrustAnchors) throw refused(`it names more than ${mostTrustAnchors} trust anchors`)
  const current = ders.filter(der => isCurrentCa(der, now))
  if (current.length === 0) throw refused('it names no trust anchor that is valid')
  return certificatesPem(current)
}

function isCurrentCa(der: Uint8Array, now: Date): boolean {
  let certificate: ReturnType<typeof parseCertificate>
  try {
    certificate = parseCertificate(der)
  } catch (cause) {
    throw refused('a trust anchor cannot be read', cause)
  }
  const { basicConstraints, keyUsage, publicKey } = certificate
  if (basicConstraints?.cA !== true || keyUsage?.includes('keyCertSign') === false) {
    throw refused('a trust anchor is no CA certificate')
  }
  if (publicKey.type === 'unsupported') throw refused('a trust anchor has a key of an unsupported kind')
  return certificate.notAfter.getTime() > now.getTime()
}

/**
 * What is believed after an announcement: it adds, and takes nothing away but what has expired. So a hub that leaves out by mistake what a broker still needs strands nobody.
 * The set is bounded; what is new is left out first.
 */
export function addTrustAnchors(known: string, announced: string, now: Date): string {
  const kept = pemCertificates(known).filter(der => !hasExpired(der, now))
  return certificatesPem(
    pemCertificates(certificatesPem(kept), announced).slice(0, Math.max(mostTrustAnchors, kept.length)),
  )
}

/** Fingerprints that are in one PEM text and not in another. */
export function newTrustAnchors(text: string, known: string): string[] {
  const there = new Set(pemCertificates(known).map(certificateFingerprint))
  return pemCertificates(text)
    .map(certificateFingerprint)
    .filter(fingerprint => !there.has(fingerprint))
}

function hasExpired(der: Uint8Array, now: Date): boolean {
  try {
    return parseCertificate(der).notAfter.getTime() <= now.getTime()
  } catch {
    return false
  }
}

function refused(reason: string, cause?: unknown): PkiError<'ERR_PKI_HUB_ANSWER'> {
  return new PkiError('ERR_PKI_HUB_ANSWER', { reason }, cause === undefined ? undefined : { cause })
}
