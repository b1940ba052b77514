import type { LintRule } from '../lint-rule.ts'

export const pathLengthBelowIssuer: LintRule = {
  id: 'path-length-below-issuer',
  citation: 'RFC 5280 section 4.2.1.9',
  scope: 'rfc',
  severity: 'error',
  requirement: "A CA's pathLenConstraint is below its issuer's; under a CA of path length 0 there is no CA.",
  // "it gives the maximum number of non-self-issued intermediate certificates that may follow this certificate in a valid certification path."
  check({ basicConstraints }, { issuer, isCa, isSelfIssued }) {
    const above = issuer?.basicConstraints?.pathLength
    if (!isCa || isSelfIssued || above === undefined) return undefined
    if (above === 0) return 'a CA under an issuer that allows none'
    const own = basicConstraints?.pathLength
    return own === undefined || own >= above ? "the path length is not below the issuer's" : undefined
  },
}
