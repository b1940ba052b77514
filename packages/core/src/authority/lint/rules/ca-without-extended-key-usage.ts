import type { LintRule } from '../lint-rule.ts'

export const caWithoutExtendedKeyUsage: LintRule = {
  id: 'ca-without-extended-key-usage',
  citation: "fleetcert: Erlang/OTP 26 and later check a CA's EKU as if it were the end entity's",
  check: certificate =>
    certificate.basicConstraints?.cA === true && certificate.extendedKeyUsage !== undefined
      ? 'a CA with extendedKeyUsage'
      : undefined,
}
