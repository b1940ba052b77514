import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlEntryReasonNotCritical: CrlLintRule = {
  id: 'crl-entry-reason-not-critical',
  citation: 'RFC 5280 section 5.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'reasonCode is not critical.',
  // "The reasonCode is a non-critical CRL entry extension that identifies the reason for the certificate revocation."
  entries:
    () =>
    ({ extensions = [] }) =>
      findRaw(extensions, extensionOids.reasonCode)?.critical === true ? 'reasonCode is critical' : undefined,
}
