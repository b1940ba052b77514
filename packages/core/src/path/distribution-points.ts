import { type DistinguishedName, parseName } from '@fleetcert/x509'
import {
  contextTag,
  createDerReader,
  type DerReader,
  derTag,
  readImplicitFlag,
  sequence,
  set,
} from '@fleetcert/x509/der'
import { comparableRdns } from './comparable-name.ts'
import { comparableGeneralName, generalNameForm, type RawGeneralName, readRawGeneralNames } from './general-names.ts'

/** keyCompromise (bit 1) to aACompromise (bit 8) of ReasonFlags (RFC 5280 section 4.2.1.13); bit 0 is not used. */
export const allReasons = 0x7f80

/** Where a CRL for a certificate comes from. */
export interface DistributionPoint {
  /** Comparable; absent where the point has no name. */
  readonly names?: ReadonlySet<string>
  /** ReasonFlags, the first in the highest of 16 bits. */
  readonly reasons: number
  /** Who issues the CRL, where that is not who issued the certificate; comparable. */
  readonly crlIssuers?: ReadonlySet<string>
}

/** Which certificates a CRL is about (RFC 5280 section 5.2.5). */
export interface CrlScopeOfIssuer {
  readonly names?: ReadonlySet<string>
  readonly reasons: number
  readonly onlyContainsUserCerts: boolean
  readonly onlyContainsCACerts: boolean
  readonly onlyContainsAttributeCerts: boolean
  readonly indirectCrl: boolean
}

/** The scope of a CRL without an IssuingDistributionPoint. */
export const unlimitedScope: CrlScopeOfIssuer = {
  reasons: allReasons,
  onlyContainsUserCerts: false,
  onlyContainsCACerts: false,
  onlyContainsAttributeCerts: false,
  indirectCrl: false,
}

/**
 * The points of a CRLDistributionPoints value. `issuer` is who issued the certificate: names may be relative to it.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_NAME`
 */
export function readDistributionPoints(value: Uint8Array, issuer: DistinguishedName): DistributionPoint[] {
  const reader = createDerReader(value)
  const points: DistributionPoint[] = []
  reader.enter(derTag.sequence)
  do points.push(readPoint(reader, issuer))
  while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return points
}

/**
 * The value of an IssuingDistributionPoint in full. `issuer` is the CRL's.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_NAME`
 */
export function readScope(value: Uint8Array, issuer: DistinguishedName): CrlScopeOfIssuer {
  const reader = createDerReader(value)
  reader.enter(derTag.sequence)
  const name = readPointName(reader)
  const onlyContainsUserCerts = readImplicitFlag(reader, 1)
  const onlyContainsCACerts = readImplicitFlag(reader, 2)
  const reasons = readReasons(reader, contextTag(3, false))
  const indirectCrl = readImplicitFlag(reader, 4)
  const onlyContainsAttributeCerts = readImplicitFlag(reader, 5)
  reader.leave()
  reader.finish()
  const names = comparableNames(name, issuer)
  return {
    ...(names === undefined ? {} : { names }),
    reasons,
    onlyContainsUserCerts,
    onlyContainsCACerts,
    onlyContainsAttributeCerts,
    indirectCrl,
  }
}

/** A DistributionPointName: whole names, or an RDN below the CRL issuer's name. */
type PointName = readonly RawGeneralName[] | { readonly rdn: Uint8Array }

function readPoint(reader: DerReader, issuer: DistinguishedName): DistributionPoint {
  reader.enter(derTag.sequence)
  const name = readPointName(reader)
  const reasons = readReasons(reader, contextTag(1, false))
  let crlIssuerNames: RawGeneralName[] | undefined
  if (reader.peekTag() === contextTag(2, true)) {
    reader.enter(contextTag(2, true))
    crlIssuerNames = readRawGeneralNames(reader)
    reader.leave()
  }
  reader.leave()
  const directory = crlIssuerNames?.find(({ form }) => form === generalNameForm.directoryName)
  // "If the certificate issuer is not the CRL issuer, then … the distributionPoint … relative to the CRL issuer".
  const names = comparableNames(name, directory === undefined ? issuer : parseName(directory.content))
  return {
    ...(names === undefined ? {} : { names }),
    reasons,
    ...(crlIssuerNames === undefined ? {} : { crlIssuers: new Set(crlIssuerNames.map(comparableGeneralName)) }),
  }
}

function readPointName(reader: DerReader): PointName | undefined {
  if (reader.peekTag() !== contextTag(0, true)) return undefined
  let name: PointName
  reader.enter(contextTag(0, true))
  if (reader.peekTag() === contextTag(1, true)) {
    // nameRelativeToCRLIssuer [1] IMPLICIT RelativeDistinguishedName
    reader.enter(contextTag(1, true))
    const attributes: Uint8Array[] = []
    while (!reader.atEnd) attributes.push(reader.element(derTag.sequence))
    reader.leave()
    name = { rdn: sequence(set(...attributes)) }
  } else {
    reader.enter(contextTag(0, true))
    name = readRawGeneralNames(reader)
    reader.leave()
  }
  reader.leave()
  return name
}

function comparableNames(name: PointName | undefined, issuer: DistinguishedName): ReadonlySet<string> | undefined {
  if (name === undefined) return undefined
  if ('rdn' in name) return new Set([comparableDirectoryName([...issuer, ...parseName(name.rdn)])])
  return new Set(name.map(comparableGeneralName))
}

/** A directory name as {@link comparableGeneralName} has it. */
export function comparableDirectoryName(name: DistinguishedName): string {
  return `${generalNameForm.directoryName}:${comparableRdns(name).join('\n')}`
}

function readReasons(reader: DerReader, tag: number): number {
  if (reader.peekTag() !== tag) return allReasons
  const { octets } = reader.bitString(tag)
  return (((octets[0] ?? 0) << 8) | (octets[1] ?? 0)) & allReasons
}
