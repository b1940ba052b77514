import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlEntryInvalidityDateNotCritical: CrlLintRule = {
  id: 'crl-entry-invalidity-date-not-critical',
  citation: 'RFC 5280 section 5.3.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'invalidityDate is not critical.',
  // "The invalidity date is a non-critical CRL entry extension"
  entries:
    () =>
    ({ extensions = [] }) =>
      findRaw(extensions, extensionOids.invalidityDate)?.critical === true ? 'invalidityDate is critical' : undefined,
}
