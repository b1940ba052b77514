import { X509Certificate } from 'node:crypto'
import { decodePem, isPkiError } from '@fleetcert/x509'
import type { DeviceCredentialPkcs12, DeviceCredentialText, DeviceIdentity } from '../device-identity.ts'
import { plainText } from '../plain-text.ts'
import { prepareCredential, type TlsCredential } from '../read-credential.ts'
import { type CertificateFacts, certificateFacts } from './certificate-facts.ts'
import { isIssuedBy, isSelfSigned } from './certificate-path.ts'
import { type Finding, finding } from './finding.ts'
import { sayDate, sayDuration } from './say-time.ts'

const clientAuth = '1.3.6.1.5.5.7.3.2'

/** What an identity is good for. */
export interface ExaminedIdentity {
  readonly findings: readonly Finding[]
  /** Only if the credential can be used at all. */
  readonly credential?: TlsCredential
  /** The device's certificate; of PKCS #12 it is not taken out. */
  readonly certificate?: CertificateFacts
  /** What the server's certificate must lead to; empty if that cannot be read. */
  readonly anchors: readonly X509Certificate[]
  /** What the device sends, its own first; empty of PKCS #12. */
  readonly sent: readonly X509Certificate[]
}

/** Reads an identity and looks at everything that a server may hold against it. */
export async function examineIdentity(identity: DeviceIdentity, now: Date): Promise<ExaminedIdentity> {
  let text: DeviceCredentialText | DeviceCredentialPkcs12
  try {
    text = await identity.credential()
  } catch (error) {
    return { findings: [unusable(error)], anchors: [], sent: [] }
  }
  const anchors = readCertificates(text.trustAnchors)
  const sent = 'pkcs12' in text ? [] : [...readCertificates(text.certificate), ...readCertificates(text.chain)]
  const [own] = sent
  const facts = own && certificateFacts(own)
  const described = { anchors, sent, ...(facts && { certificate: facts }) }
  try {
    const credential = prepareCredential(text)
    const findings = [
      ...validity(credential, now),
      ...(own === undefined ? [] : [...purpose(own), ...chainFindings(sent, anchors)]),
      ...expiredAnchors(anchors, now),
    ]
    const good = finding(
      'IDENTITY_OK',
      `The certificate of ${identity.deviceId} fits its key. ${goodFor(credential, now)}`,
    )
    const isBad = findings.some(({ level }) => level === 'problem')
    return { ...described, credential, findings: isBad ? findings : [good, ...findings] }
  } catch (error) {
    return { ...described, findings: [unusable(error), ...(own === undefined ? [] : chainFindings(sent, anchors))] }
  }
}

function unusable(error: unknown): Finding {
  const said = isPkiError(error) ? plainText(error.message) : 'The identity failed with an error of its own.'
  if (/private key does not belong/.test(said)) {
    return finding('IDENTITY_KEY_MISMATCH', 'The private key does not belong to the certificate.')
  }
  return finding('IDENTITY_UNUSABLE', said)
}

function readCertificates(text: string | undefined): X509Certificate[] {
  try {
    return decodePem(text ?? '', 'CERTIFICATE').map(({ der }) => new X509Certificate(der))
  } catch {
    // What is wrong with it is said by `prepareCredential`.
    return []
  }
}

function goodFor({ notAfter }: TlsCredential, now: Date): string {
  return `It is good until ${sayDate(notAfter)}, ${sayDuration(notAfter.getTime() - now.getTime())} from now.`
}

function validity({ notBefore, notAfter }: TlsCredential, now: Date): Finding[] {
  const left = notAfter.getTime() - now.getTime()
  if (left < 0) {
    const sentence = `The device's certificate expired on ${sayDate(notAfter)}, ${sayDuration(left)} ago by the device's clock.`
    return [finding('IDENTITY_EXPIRED', sentence)]
  }
  const ahead = notBefore.getTime() - now.getTime()
  if (ahead > 0) {
    const sentence = `The device's certificate is good from ${sayDate(notBefore)} on, ${sayDuration(ahead)} from now by the device's clock.`
    return [finding('IDENTITY_NOT_YET_VALID', sentence)]
  }
  return left * 10 < notAfter.getTime() - notBefore.getTime()
    ? [finding('IDENTITY_EXPIRES_SOON', `The device's certificate has ${sayDuration(left)} left.`)]
    : []
}

function purpose(own: X509Certificate): Finding[] {
  // Node's `keyUsage` is the extended one.
  const purposes: readonly string[] | undefined = own.keyUsage
  if (own.ca) return [finding('IDENTITY_PURPOSE', "The first certificate is a CA's, not a device's.")]
  return purposes === undefined || purposes.includes(clientAuth)
    ? []
    : [finding('IDENTITY_PURPOSE', "The device's certificate is not for TLS clients.")]
}

function chainFindings(sent: readonly X509Certificate[], anchors: readonly X509Certificate[]): Finding[] {
  const [own, ...chain] = sent
  const broken = sent.findIndex((certificate, index) => {
    const next = sent[index + 1]
    return next !== undefined && !isIssuedBy(certificate, next)
  })
  if (broken !== -1) {
    const issuerAt = sent.findIndex((candidate, index) => index !== broken && isIssuedBy(sent[broken]!, candidate))
    const where = issuerAt === -1 ? 'is not among them' : `is certificate ${issuerAt + 1}`
    const sentence = `Certificate ${broken + 1} of the chain was not issued by certificate ${broken + 2}; its issuer ${where}.`
    return [finding('IDENTITY_CHAIN_ORDER', sentence)]
  }
  const last = chain.at(-1) ?? own!
  if (
    chain.length > 0 ||
    anchors.length === 0 ||
    isSelfSigned(last) ||
    anchors.some(anchor => isIssuedBy(last, anchor) && isSelfSigned(anchor))
  )
    return []
  const sentence = `The device sends its certificate alone; it was issued by "${certificateFacts(own!).issuer}", which is none of the CAs that the device trusts.`
  return [finding('IDENTITY_CHAIN_INCOMPLETE', sentence)]
}

function expiredAnchors(anchors: readonly X509Certificate[], now: Date): Finding[] {
  const expired = anchors.map(certificateFacts).filter(({ notAfter }) => notAfter.getTime() < now.getTime())
  if (expired.length === 0 || expired.length < anchors.length) return []
  return expired.map(({ subject, notAfter }) =>
    finding('TRUST_ANCHOR_EXPIRED', `The trusted CA "${subject}" expired on ${sayDate(notAfter)}.`),
  )
}
