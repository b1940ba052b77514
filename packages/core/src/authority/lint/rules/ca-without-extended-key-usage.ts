import type { LintRule } from '../lint-rule.ts'

export const caWithoutExtendedKeyUsage: LintRule = {
  id: 'ca-without-extended-key-usage',
  citation: "fleetcert: Erlang/OTP 26 and later check a CA's EKU as if it were the end entity's",
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'A CA has no extendedKeyUsage.',
  check: ({ extendedKeyUsage }, { isCa }) =>
    isCa && extendedKeyUsage !== undefined ? 'a CA with extendedKeyUsage' : undefined,
}
