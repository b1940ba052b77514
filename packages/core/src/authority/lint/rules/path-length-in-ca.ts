import type { LintRule } from '../lint-rule.ts'

export const pathLengthInCa: LintRule = {
  id: 'path-length-in-ca',
  citation: 'RFC 5280 section 4.2.1.9',
  scope: 'rfc',
  severity: 'error',
  requirement: 'pathLenConstraint stands only beside cA and keyCertSign.',
  // "CAs MUST NOT include the pathLenConstraint field unless the cA boolean is asserted and the key usage extension asserts the keyCertSign bit."
  check: ({ basicConstraints, keyUsage }, { isCa }) =>
    basicConstraints?.pathLength === undefined || (isCa && keyUsage?.includes('keyCertSign') === true)
      ? undefined
      : 'pathLenConstraint without cA and keyCertSign',
}
