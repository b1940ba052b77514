import type { CrlLintRule } from '../crl-rule.ts'

export const crlExtensionsNotEmpty: CrlLintRule = {
  id: 'crl-extensions-not-empty',
  citation: 'RFC 5280 section 5.1.2.7 and appendix A.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'crlExtensions and crlEntryExtensions are absent where they would be empty.',
  // "If present, this field is a sequence of one or more CRL extensions." "Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension"
  check: ({ extensions }) => (extensions?.length === 0 ? 'an empty list of extensions' : undefined),
  entries:
    () =>
    ({ extensions }) =>
      extensions?.length === 0 ? 'an empty list of extensions' : undefined,
}
