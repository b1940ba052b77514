import { extensionOids } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import { findRaw } from '../../raw-extension.ts'
import { fieldsOf } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlAuthorityKeyIdentifier: CrlLintRule = {
  id: 'crl-authority-key-identifier',
  citation: 'RFC 5280 section 5.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'There is an authorityKeyIdentifier with a keyIdentifier.',
  // "Conforming CRL issuers MUST use the key identifier method, and MUST include this extension in all CRLs issued."
  check({ extensions = [] }) {
    const value = findRaw(extensions, extensionOids.authorityKeyIdentifier)?.value
    if (value === undefined) return 'there is no authorityKeyIdentifier'
    const fields = fieldsOf(value)
    return fields === undefined || fields.some(({ tag }) => tag === contextTag(0, false))
      ? undefined
      : 'an authorityKeyIdentifier without keyIdentifier'
  },
}
