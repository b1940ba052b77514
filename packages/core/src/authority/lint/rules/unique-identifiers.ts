import { contextTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { offsetBehind } from '../octets.ts'

export const uniqueIdentifiers: LintRule = {
  id: 'unique-identifiers',
  citation: 'RFC 5280 section 4.1.2.8',
  scope: 'rfc',
  severity: 'error',
  requirement: 'There are no issuerUniqueID and subjectUniqueID.',
  // "CAs conforming to this profile MUST NOT generate certificates with unique identifiers."
  check(certificate) {
    const tag = certificate.tbsCertificate[offsetBehind(certificate, certificate.subjectPublicKeyInfo)]
    return tag === contextTag(1, false) || tag === contextTag(2, false) ? 'there are unique identifiers' : undefined
  },
}
