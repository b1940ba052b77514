import { extensionListsOf } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspCriticalDefault: OcspLintRule = {
  id: 'ocsp-critical-default',
  citation: 'X.690 section 11.5, by RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'critical FALSE is not written.',
  // "The value for response SHALL be the DER encoding of BasicOCSPResponse."
  checkBasic: response =>
    extensionListsOf(response).some(list => list.some(({ hasDefaultWritten }) => hasDefaultWritten))
      ? 'critical FALSE is written out'
      : undefined,
}
