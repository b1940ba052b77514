import type { DerReader } from '../der/reader.ts'
import { PkiError } from '../pki-error.ts'
import type { Extension, GeneralName } from '../types.ts'
import { parseAuthorityInfoAccess } from './authority-info-access.ts'
import { readBasicConstraints } from './basic-constraints.ts'
import { parseCrlDistributionPoints } from './distribution-point.ts'
import { parseExtendedKeyUsage } from './extended-key-usage.ts'
import { readExtensions } from './extension.ts'
import { extensionOids } from './extension-oids.ts'
import { parseAuthorityKeyIdentifier, parseSubjectKeyIdentifier } from './key-identifier.ts'
import { readKeyUsage } from './key-usage.ts'
import { readSubjectAltName } from './subject-alt-name.ts'

const strict = { strict: true } as const

/** How the value of each is checked. */
const readers: ReadonlyMap<string, (value: Uint8Array) => unknown> = new Map<string, (value: Uint8Array) => unknown>([
  [extensionOids.basicConstraints, value => readBasicConstraints(value, strict)],
  [extensionOids.keyUsage, value => readKeyUsage(value, strict)],
  [extensionOids.extendedKeyUsage, parseExtendedKeyUsage],
  [extensionOids.subjectKeyIdentifier, parseSubjectKeyIdentifier],
  [extensionOids.authorityKeyIdentifier, parseAuthorityKeyIdentifier],
  [extensionOids.crlDistributionPoints, parseCrlDistributionPoints],
  [extensionOids.authorityInfoAccess, parseAuthorityInfoAccess],
])

/** Kinds that tools ask for and that mean something to them. Nothing is copied into a certificate, so their values need no reading. */
const passable: ReadonlySet<string> = new Set([
  ...Object.values(extensionOids),
  // nsCertType and nsComment: openssl's old default configuration asks for them.
  '2.16.840.1.113730.1.1',
  '2.16.840.1.113730.1.13',
  // The poison of a precertificate (RFC 6962 section 3.1): some CT tools send it.
  '1.3.6.1.4.1.11129.2.4.3',
  // Microsoft: enrolCertType, certificateTemplate, applicationCertPolicies.
  '1.3.6.1.4.1.311.20.2',
  '1.3.6.1.4.1.311.21.7',
  '1.3.6.1.4.1.311.21.10',
])

/**
 * The next element as the Extensions of an extensionRequest (RFC 2985 section 5.4.2).
 * An unknown kind is refused rather than ignored: who asks for it would get a certificate without it and never hear why.
 *
 * @internal
 */
export function readRequestedExtensions(reader: DerReader): {
  readonly extensions: readonly Extension[]
  readonly subjectAltName: readonly GeneralName[] | undefined
} {
  const extensions = readExtensions(reader, strict)
  let subjectAltName: readonly GeneralName[] | undefined
  for (const { oid, value } of extensions) {
    if (oid === extensionOids.subjectAltName) {
      subjectAltName = readSubjectAltName(value, strict)
    } else if (readers.has(oid)) {
      readers.get(oid)!(value)
    } else if (!passable.has(oid)) {
      throw new PkiError('ERR_PKI_CSR', { reason: `unsupported extension ${oid}` })
    }
  }
  return { extensions, subjectAltName }
}
