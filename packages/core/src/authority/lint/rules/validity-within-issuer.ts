import { endlessNotAfter } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const validityWithinIssuer: LintRule = {
  id: 'validity-within-issuer',
  citation:
    'fleetcert: what outlives its issuer cannot be verified (RFC 5280 section 6.1.3); docs/decisions/005-endless-certificates.md has the exception',
  scope: 'fleetcert',
  severity: 'error',
  requirement: "The validity lies within the issuer's; an end entity may be endless.",
  check({ notBefore, notAfter }, { issuer, isCa }) {
    if (issuer === undefined) return undefined
    if (notBefore.getTime() < issuer.notBefore.getTime()) return 'it begins before its issuer'
    if (!isCa && notAfter.getTime() === endlessNotAfter.getTime()) return undefined
    return notAfter.getTime() > issuer.notAfter.getTime() ? 'it ends after its issuer' : undefined
  },
}
