import { encodePem, PkiError } from '@fleetcert/x509'
import type { Issuer } from '../../authority/issuer.ts'
import type { CertificateRecord, Revocation } from '../../store/store.ts'
import type { FleetDocument } from '../fleet-document.ts'
import type { AuthorityRecord, AuthorityRole, AuthorityState, KeptCertificate } from './authority-record.ts'

/** A CA that has a certificate, and what it is to the fleet. */
export interface Authority {
  readonly role: AuthorityRole
  readonly state: AuthorityState
  readonly issuer: Issuer
  readonly record: AuthorityRecord & { readonly own: KeptCertificate }
}

/** What became of all that a CA has issued. */
export type IssuerEnding =
  | { readonly type: 'revoked'; readonly revocation: Revocation; readonly renewableUntil: Date | undefined }
  | { readonly type: 'retired'; readonly supersededAt: Date }

/** A fleet's CAs at one moment. Never changes: there is another one when they have changed. */
export interface IssuerSet {
  /** The document that says so, and its version. */
  readonly document: FleetDocument
  readonly version: number
  /** All that have a certificate, in the order in which the fleet got them. */
  readonly authorities: readonly Authority[]
  /** Who certifies devices and servers; `undefined` while there is none. */
  readonly issuing: Authority | undefined
  /** PEM: the roots that are trusted now, those in use first, then `alsoTrust`. */
  readonly trustAnchors: string
  /** By the hash of its key. */
  find(keyId: string): Authority | undefined
  /** PEM: what a peer sends behind a certificate of that CA. Neither end entity nor root. */
  chainOf(keyId: string): string
  /** Of what a CA has issued, where it is not what its record says any more. */
  endingOf(keyId: string): IssuerEnding | undefined
}

/** Whether chains may go over it. */
export function isTrusted({ state }: Pick<Authority, 'state'>): boolean {
  return state === 'announced' || state === 'active' || state === 'retiring'
}

/** Of what is trusted, what is used comes first: there are clients that read no more than one certificate. */
const order: readonly AuthorityState[] = ['active', 'announced', 'retiring']

/** Longer than any path here; a circle of cross-certificates ends there. */
const longestChain = 10

/**
 * @param issuerOf one for each CA, the same at each call
 * @param alsoTrust PEM of each CA that is trusted beside
 */
export function createIssuerSet(
  document: FleetDocument,
  version: number,
  issuerOf: (record: Authority['record']) => Issuer,
  alsoTrust: readonly string[],
): IssuerSet {
  const authorities = document.authorities.flatMap(record => (isCertified(record) ? [toAuthority(record)] : []))
  function toAuthority(record: Authority['record']): Authority {
    return { role: record.role, state: record.state, issuer: issuerOf(record), record }
  }
  const byKey = new Map(authorities.map(authority => [authority.issuer.keyId, authority]))
  const endings = new Map<string, IssuerEnding>()
  for (const { issuer, record } of authorities) {
    const ending = endingOf(record)
    if (ending !== undefined) endings.set(issuer.keyId, ending)
  }
  const anchors = authorities
    .filter(authority => isTrusted(authority) && isAnchor(authority))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
    .map(({ issuer }) => encodePem('CERTIFICATE', issuer.certificate.der))
  const chains = new Map<string, string>()

  return {
    document,
    version,
    authorities,
    issuing: authorities.find(({ role, state }) => role === 'issuingCa' && state === 'active'),
    trustAnchors: [...new Set([...anchors, ...alsoTrust])].join(''),
    find: keyId => byKey.get(keyId),
    chainOf(keyId) {
      let chain = chains.get(keyId)
      if (chain === undefined) {
        chain = chainFrom(keyId, byKey)
        chains.set(keyId, chain)
      }
      return chain
    },
    endingOf: keyId => endings.get(keyId),
  }
}

/** Whether it ends a chain: RFC 5280 section 6.1 lets any CA be one, openssl only the self-signed. */
export function isAnchor({ role, record, issuer }: Authority): boolean {
  return role === 'root' || (role === 'adoptedCa' && record.own.id.issuerKeyId === issuer.keyId)
}

/** What was recorded of a certificate, and what has become of its issuer since. Its own revocation comes first. */
export function withEnding<T extends Pick<CertificateRecord, 'revocation' | 'supersededAt'>>(
  record: T,
  ending: IssuerEnding | undefined,
): T {
  if (ending === undefined || record.revocation !== undefined) return record
  if (ending.type === 'revoked') return { ...record, revocation: ending.revocation }
  const { supersededAt } = record
  if (supersededAt !== undefined && supersededAt <= ending.supersededAt) return record
  return { ...record, supersededAt: ending.supersededAt }
}

function isCertified(record: AuthorityRecord): record is Authority['record'] {
  return record.own !== undefined
}

function endingOf({ state, since, revocation, renewableUntil }: Authority['record']): IssuerEnding | undefined {
  if (state === 'retired' && since !== undefined) return { type: 'retired', supersededAt: date(since) }
  if (state !== 'revoked' || revocation === undefined) return undefined
  return {
    type: 'revoked',
    // Whatever was said of the CA, of its certificates it means this (RFC 5280 section 5.3.1); their own keys are nobody else's.
    revocation: { revocationDate: date(revocation.revocationDate), reason: 'cACompromise' },
    renewableUntil: renewableUntil === undefined ? undefined : date(renewableUntil),
  }
}

function chainFrom(keyId: string, byKey: ReadonlyMap<string, Authority>): string {
  let pem = ''
  let current = byKey.get(keyId)
  for (let length = 0; current !== undefined && length < longestChain; length += 1) {
    if (isAnchor(current)) return pem + crossCertificates(current, byKey)
    pem += toPem(current.record.own)
    current = byKey.get(current.record.own.id.issuerKeyId)
  }
  return pem
}

/**
 * For those who know the other root alone. A new root's by the old one, as long as the old one is trusted; an old one's by the new one, once that is in use. Whoever knows both ends at the root itself and looks no further.
 */
function crossCertificates({ state, record }: Authority, byKey: ReadonlyMap<string, Authority>): string {
  const useful = (record.cross ?? []).filter(({ id }) => {
    const by = byKey.get(id.issuerKeyId)
    if (by === undefined || !isTrusted(by)) return false
    return state === 'retiring' ? by.state === 'active' : by.state === 'active' || by.state === 'retiring'
  })
  return useful.map(toPem).join('')
}

function toPem({ certificate }: KeptCertificate): string {
  return encodePem('CERTIFICATE', Buffer.from(certificate, 'base64'))
}

function date(text: string): Date {
  const found = new Date(text)
  if (Number.isNaN(found.getTime())) {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document has a date that is none' })
  }
  return found
}
