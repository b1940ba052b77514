import type { LintRule } from '../lint-rule.ts'

export const keyUsageInCa: LintRule = {
  id: 'key-usage-in-ca',
  citation: 'RFC 5280 section 4.2.1.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A CA has a keyUsage.',
  // "Conforming CAs MUST include this extension in certificates that contain public keys that are used to validate digital signatures on other public key certificates or CRLs."
  check: ({ keyUsage }, { isCa }) => (isCa && keyUsage === undefined ? 'a CA without keyUsage' : undefined),
}
