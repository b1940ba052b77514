import type { CrlLintRule } from '../crl-rule.ts'

export const crlCriticalDefault: CrlLintRule = {
  id: 'crl-critical-default',
  citation: 'X.690 section 11.5, by RFC 5280 section 5.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'critical FALSE is not written, neither in the list nor in an entry.',
  // "critical BOOLEAN DEFAULT FALSE" (RFC 5280 section 4.1), and DER leaves default values out.
  check: ({ extensions }) =>
    extensions?.some(({ hasDefaultWritten }) => hasDefaultWritten) ? 'critical FALSE is written out' : undefined,
  entries:
    () =>
    ({ extensions }) =>
      extensions?.some(({ hasDefaultWritten }) => hasDefaultWritten) ? 'critical FALSE is written out' : undefined,
}
