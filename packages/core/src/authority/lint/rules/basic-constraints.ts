import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const basicConstraints: LintRule = {
  id: 'basic-constraints',
  citation: 'RFC 5280 section 4.2.1.9',
  check(certificate) {
    const extension = certificate.extensions.find(({ oid }) => oid === extensionOids.basicConstraints)
    // "Conforming CAs MUST include this extension in all CA certificates … and MUST mark the extension as critical in such certificates."
    if (certificate.basicConstraints?.cA === true && extension?.critical !== true)
      return 'basicConstraints is not critical in a CA'
    // "CAs MUST NOT include the pathLenConstraint field unless the cA boolean is asserted"
    if (certificate.basicConstraints?.cA === false && certificate.basicConstraints.pathLength !== undefined) {
      return 'pathLenConstraint without cA'
    }
    return undefined
  },
}
