import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { plainText } from '../plain-text.ts'
import { certificateFacts } from './certificate-facts.ts'
import { isSelfSigned, sketchPath } from './certificate-path.ts'
import { type Finding, finding } from './finding.ts'
import { sayDate, sayDuration } from './say-time.ts'

const serverAuth = '1.3.6.1.5.5.7.3.1'
const soon = 7 * 86_400_000

/** What a server sent, and what it is measured by. */
export interface ServerToExamine {
  /** Its own first. */
  readonly certificates: readonly X509Certificate[]
  readonly anchors: readonly X509Certificate[]
  /** Other CA certificates that the device has, as in its own chain: they tell what a server left out. */
  readonly known?: readonly X509Certificate[]
  /** The name that its certificate has to hold. */
  readonly serverName: string
  readonly now: Date
}

/** Says what is wrong with a server's certificates, all of it. It explains; what decides about a connection is OpenSSL. */
export function examineServer(server: ServerToExamine): Finding[] {
  const [own] = server.certificates
  if (own === undefined) return []
  if (server.anchors.length === 0) {
    return [finding('SERVER_NOT_EXAMINED', `The server shows a certificate for "${certificateFacts(own).subject}".`)]
  }
  const { certificates, anchors, known = [] } = server
  const path = sketchPath(own, certificates, anchors)
  const findings = [
    ...(path.anchor === undefined
      ? [whyUntrusted(path.path, anchors, sketchPath(path.path.at(-1)!, known, anchors).anchor !== undefined)]
      : []),
    ...[...path.path, ...(path.anchor === undefined ? [] : [path.anchor])]
      .filter(
        (certificate, index, all) => all.findIndex(one => one.fingerprint256 === certificate.fingerprint256) === index,
      )
      .flatMap((certificate, index) => times(certificate, index === 0, server.now)),
    ...name(own, server.serverName),
    ...purpose(own),
  ]
  if (findings.some(({ level }) => level === 'problem')) return findings
  const { subject, notAfter } = certificateFacts(own)
  const ok = `The server's certificate for "${subject}" leads to the trusted CA "${certificateFacts(path.anchor!).subject}" and is good until ${sayDate(notAfter)}.`
  return [finding('SERVER_OK', ok), ...findings]
}

function whyUntrusted(
  path: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  isCompletedByKnown: boolean,
): Finding {
  const own = path[0]!
  const last = path.at(-1)!
  const facts = certificateFacts(last)
  const trusted = anchors.slice(0, 5).map(anchor => `"${certificateFacts(anchor).subject}"`)
  if (path.length === 1 && isSelfSigned(own)) {
    return finding(
      'SERVER_SELF_SIGNED',
      `The server's certificate "${facts.subject}" was issued by nobody but itself. Its fingerprint is ${facts.fingerprint}.`,
    )
  }
  const namesake = anchors.find(anchor => anchor.subject === (isSelfSigned(last) ? last.subject : last.issuer))
  if (namesake !== undefined) {
    return finding(
      'SERVER_CA_REPLACED',
      `The server's certificates lead to a CA of the name "${certificateFacts(namesake).subject}", which is not the one that the device trusts: that one has the fingerprint ${namesake.fingerprint256}.`,
    )
  }
  if (isSelfSigned(last)) {
    return finding(
      'SERVER_UNKNOWN_CA',
      `The server's certificates lead to the CA "${facts.subject}" (fingerprint ${facts.fingerprint}). The device trusts ${trusted.join(', ')} alone.`,
    )
  }
  if (isCompletedByKnown) {
    return finding(
      'SERVER_CHAIN_INCOMPLETE',
      `The server does not send the certificate of the CA "${facts.issuer}", which issued its own. The device knows that CA from its own chain, where it is not looked for.`,
    )
  }
  return finding(
    'SERVER_UNKNOWN_CA',
    `The server's certificate leads as far as the CA "${facts.issuer}", whose certificate the server does not send. The device trusts ${trusted.join(', ')} alone.`,
  )
}

function times(certificate: X509Certificate, isOwn: boolean, now: Date): Finding[] {
  const { subject, notBefore, notAfter } = certificateFacts(certificate)
  const whose = isOwn ? "The server's certificate" : `The CA "${subject}" above the server's certificate`
  const left = notAfter.getTime() - now.getTime()
  if (left < 0) {
    return [
      finding(
        'SERVER_EXPIRED',
        `${whose} expired on ${sayDate(notAfter)}, ${sayDuration(left)} ago by the device's clock.`,
      ),
    ]
  }
  const ahead = notBefore.getTime() - now.getTime()
  if (ahead > 0) {
    const sentence = `${whose} is good from ${sayDate(notBefore)} on: the device's clock says ${sayDate(now)}, ${sayDuration(ahead)} earlier.`
    return [finding('SERVER_NOT_YET_VALID', sentence)]
  }
  if (left < soon) return [finding('SERVER_EXPIRES_SOON', `${whose} has ${sayDuration(left)} left.`)]
  return []
}

function name(own: X509Certificate, serverName: string): Finding[] {
  if (isFor(own, serverName)) return []
  const { names, subject } = certificateFacts(own)
  const has = names.length > 0 ? `It has ${names.join(', ')}.` : `It has no names at all; its subject is "${subject}".`
  return [finding('SERVER_NAME', `The server's certificate is not for ${plainText(serverName)}. ${has}`)]
}

function purpose(own: X509Certificate): Finding[] {
  const purposes: readonly string[] | undefined = own.keyUsage
  return purposes === undefined || purposes.includes(serverAuth)
    ? []
    : [finding('SERVER_PURPOSE', "The server's certificate is not for TLS servers.")]
}

/** Whether a certificate holds a name, as Node's TLS looks for it. */
export function isFor(certificate: X509Certificate, serverName: string): boolean {
  try {
    return checkServerIdentity(serverName, certificate.toLegacyObject() as PeerCertificate) === undefined
  } catch {
    // Names that Node cannot read.
    return false
  }
}
