import { findRaw } from '../../raw-extension.ts'
import { extendedRevokeOid } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'
import type { SingleResponseView } from '../ocsp-view.ts'

const certificateHold = 6

export const ocspExtendedRevoke: OcspLintRule = {
  id: 'ocsp-extended-revoke',
  citation: 'RFC 6960 sections 2.2 and 4.4.8',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'Revoked since 1970 and on hold, which means never issued, stands only beside the extended revoke extension; that is NULL, not critical, and in responseExtensions.',
  // "When a responder sends a "revoked" response to a status request for a non-issued certificate, the responder MUST include the extended revoked definition response extension" "The value of the extension SHALL be NULL. This extension MUST NOT be marked critical."
  checkBasic({ extensions = [], responses }) {
    const extension = findRaw(extensions, extendedRevokeOid)
    if (responses.some(({ extensions = [] }) => findRaw(extensions, extendedRevokeOid) !== undefined)) {
      return 'extended revoke in singleExtensions'
    }
    if (extension === undefined) {
      return responses.some(isNonIssued) ? 'a non-issued certificate without extended revoke' : undefined
    }
    if (extension.critical) return 'extended revoke is critical'
    const [tag, length] = extension.value
    return extension.value.length === 2 && tag === 5 && length === 0 ? undefined : 'extended revoke is not NULL'
  },
}

/** "MUST specify the revocation reason certificateHold (6), MUST specify the revocationTime January 1, 1970". */
function isNonIssued({ revocationTime, reason }: SingleResponseView): boolean {
  return revocationTime?.date?.getTime() === 0 && reason === certificateHold
}
