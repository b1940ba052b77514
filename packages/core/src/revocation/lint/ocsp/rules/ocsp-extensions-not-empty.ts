import { extensionListsOf } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspExtensionsNotEmpty: OcspLintRule = {
  id: 'ocsp-extensions-not-empty',
  citation: 'RFC 5280 appendix A.1, by RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'responseExtensions and singleExtensions are absent where they would be empty.',
  // "Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension"
  checkBasic: response =>
    extensionListsOf(response).some(({ length }) => length === 0) ? 'an empty list of extensions' : undefined,
}
