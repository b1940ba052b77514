import { endlessNotAfter } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const year9999 = Date.UTC(9999, 0)

export const endlessNotAfterValue: LintRule = {
  id: 'endless-not-after',
  citation: 'RFC 5280 section 4.1.2.5',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'A certificate without a well-defined end has the notAfter 99991231235959Z.',
  // "To indicate that a certificate has no well-defined expiration date, the notAfter SHOULD be assigned the GeneralizedTime value of 99991231235959Z."
  check({ notAfter }) {
    const time = notAfter.getTime()
    return time >= year9999 && time !== endlessNotAfter.getTime()
      ? 'it ends in the year 9999, but not at its last second'
      : undefined
  },
}
