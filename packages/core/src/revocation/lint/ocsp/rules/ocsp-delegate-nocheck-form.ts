import { extensionOids } from '@fleetcert/x509'
import { extensionOf } from '../../../../authority/lint/octets.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegateNocheckForm: OcspLintRule = {
  id: 'ocsp-delegate-nocheck-form',
  citation: 'RFC 6960 section 4.2.2.2.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'id-pkix-ocsp-nocheck is NULL and not critical.',
  // "This SHOULD be a non-critical extension. The value of the extension SHALL be NULL."
  checkBasic(_response, { delegate }) {
    const extension = delegate && extensionOf(delegate, extensionOids.ocspNoCheck)
    if (extension === undefined) return undefined
    if (extension.critical) return 'id-pkix-ocsp-nocheck is critical'
    const [tag, length] = extension.value
    return extension.value.length === 2 && tag === 5 && length === 0 ? undefined : 'id-pkix-ocsp-nocheck is not NULL'
  },
}
