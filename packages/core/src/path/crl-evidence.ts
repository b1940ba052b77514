import {
  type CertificateRevocationList,
  extensionOids,
  parseCrl,
  parseCrlNumber,
  type RevokedCertificate,
} from '@fleetcert/x509'
import { createDerReader, derTag } from '@fleetcert/x509/der'
import { comparableName } from './comparable-name.ts'
import { type CrlScopeOfIssuer, readScope, unlimitedScope } from './distribution-points.ts'
import type { SignedOctets } from './path-signature.ts'

/** A CRL with what checking certificates against it asks again and again. */
export interface CrlEvidence {
  readonly crl: CertificateRevocationList
  /** Comparable. */
  readonly issuer: string
  readonly signed: SignedOctets
  readonly scope: CrlScopeOfIssuer
  /** The IssuingDistributionPoint as it stands: a delta CRL has its base's. */
  readonly scopeOctets: Uint8Array
  /** Of a delta CRL (RFC 5280 section 5.2.4). */
  readonly baseCrlNumber: bigint | undefined
  /** Why it tells nothing of any certificate; `undefined` if it may. */
  readonly useless: string | undefined
}

/**
 * @throws PkiError as `parseCrl`, and `ERR_PKI_DER`, `ERR_PKI_NAME` for its extensions
 */
export function toCrlEvidence(input: Uint8Array | string | CertificateRevocationList): CrlEvidence {
  const crl = typeof input === 'string' || input instanceof Uint8Array ? parseCrl(input) : input
  const extensionValue = (oid: string) => crl.extensions.find(extension => extension.oid === oid)?.value
  const scopeValue = extensionValue(extensionOids.issuingDistributionPoint)
  const deltaValue = extensionValue(extensionOids.deltaCrlIndicator)
  const { inner, outer } = algorithmsOf(crl)
  // What parseCrl understands of delta CRLs is acted on here.
  const unhandled = crl.unhandledCriticalExtensions.filter(oid => oid !== extensionOids.deltaCrlIndicator)
  return {
    crl,
    issuer: comparableName(crl.issuer),
    signed: { message: crl.tbsCertList, algorithm: inner, signature: crl.signature },
    scope: scopeValue === undefined ? unlimitedScope : readScope(scopeValue, crl.issuer),
    scopeOctets: scopeValue ?? new Uint8Array(0),
    baseCrlNumber: deltaValue === undefined ? undefined : parseCrlNumber(deltaValue),
    useless: whyUseless(unhandled, Buffer.compare(inner, outer) === 0),
  }
}

/** Looked up once per list and number: a list may be long, and a certificate may stand in many paths. */
const lookedUp = new WeakMap<CrlEvidence, Map<string, RevokedCertificate | undefined>>()

/** The entry of a serial number, if it is listed. */
export function entryOf(evidence: CrlEvidence, serialNumber: string): RevokedCertificate | undefined {
  let known = lookedUp.get(evidence)
  if (known === undefined) {
    known = new Map()
    lookedUp.set(evidence, known)
  }
  if (!known.has(serialNumber)) known.set(serialNumber, findEntry(evidence, serialNumber))
  return known.get(serialNumber)
}

function findEntry({ crl }: CrlEvidence, serialNumber: string): RevokedCertificate | undefined {
  for (const entry of crl.entries) if (entry.serialNumber === serialNumber) return entry
  return undefined
}

/** "its processing … MUST NOT use that CRL to determine the status of any certificates" (RFC 5280 sections 5.2 and 5.3). */
function whyUseless(unhandled: readonly string[], isSameAlgorithm: boolean): string | undefined {
  if (unhandled.length > 0) return `a CRL with critical extension ${unhandled[0]}`
  // "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertList" (section 5.1.1.2).
  return isSameAlgorithm ? undefined : 'a CRL with two signature algorithms'
}

/** Both AlgorithmIdentifiers. What lies between them may be long, so it is not read again. */
function algorithmsOf(crl: CertificateRevocationList): { readonly inner: Uint8Array; readonly outer: Uint8Array } {
  const inside = createDerReader(crl.tbsCertList, { maxBytes: Number.POSITIVE_INFINITY })
  inside.enter(derTag.sequence)
  if (inside.peekTag() === derTag.integer) inside.smallInteger()
  const inner = inside.element(derTag.sequence)
  const { der, tbsCertList } = crl
  const behind = der.subarray(tbsCertList.byteOffset - der.byteOffset + tbsCertList.length)
  return { inner, outer: createDerReader(behind).element(derTag.sequence) }
}
