import { extensionOids, keyIdentifierOf } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import { sameOctets } from '../../../../authority/lint/octets.ts'
import { findRaw } from '../../raw-extension.ts'
import { fieldsOf, readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlAuthorityKeyIdentifierMatches: CrlLintRule = {
  id: 'crl-authority-key-identifier-matches',
  citation: 'RFC 5280 section 5.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: "authorityKeyIdentifier is the subjectKeyIdentifier of the issuer's certificate, as it stands there.",
  // "The identification can be based on either the key identifier (the subject key identifier in the CRL signer's certificate) or the issuer name and serial number."
  check({ extensions = [] }, { issuer }) {
    const value = findRaw(extensions, extensionOids.authorityKeyIdentifier)?.value
    const field = value && fieldsOf(value)?.find(({ tag }) => tag === contextTag(0, false))
    const identifier = field && readWhole(field.der, reader => reader.content(contextTag(0, false)))
    if (issuer === undefined || identifier === undefined) return undefined
    return sameOctets(identifier, issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo))
      ? undefined
      : "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
  },
}
