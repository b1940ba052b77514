import {
  extensionOids,
  isPkiError,
  parseAuthorityInfoAccess,
  parseAuthorityKeyIdentifier,
  parseCrlDistributionPoints,
  parseIssuingDistributionPoint,
  parseSubjectAltName,
} from '@fleetcert/x509'
import { createDerReader } from '@fleetcert/x509/der'
import type { CrlLintRule } from '../crl-rule.ts'

const syntax: ReadonlyMap<string, (value: Uint8Array) => unknown> = new Map<string, (value: Uint8Array) => unknown>([
  [extensionOids.authorityKeyIdentifier, parseAuthorityKeyIdentifier],
  // GeneralNames, like subjectAltName.
  [extensionOids.issuerAltName, parseSubjectAltName],
  [extensionOids.crlNumber, readInteger],
  [extensionOids.deltaCrlIndicator, readInteger],
  [extensionOids.issuingDistributionPoint, parseIssuingDistributionPoint],
  [extensionOids.freshestCrl, parseCrlDistributionPoints],
  [extensionOids.authorityInfoAccess, parseAuthorityInfoAccess],
])

export const crlExtensionSyntax: CrlLintRule = {
  id: 'crl-extension-syntax',
  citation: 'RFC 5280 sections 5.1 and 5.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The values of the extensions of section 5.2 are of their types, fields in their order, in DER.',
  // "For signature calculation, the data that is to be signed is ASN.1 DER encoded."
  check({ extensions = [] }) {
    for (const { oid, value } of extensions) {
      const read = syntax.get(oid)
      if (read !== undefined && !isReadBy(read, value)) return `the extension ${oid} is malformed`
    }
    return undefined
  },
}

function readInteger(value: Uint8Array): void {
  const reader = createDerReader(value)
  reader.integerOctets()
  reader.finish()
}

function isReadBy(read: (value: Uint8Array) => unknown, value: Uint8Array): boolean {
  try {
    read(value)
    return true
  } catch (error) {
    if (!isPkiError(error)) throw error
    return false
  }
}
