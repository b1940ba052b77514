import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { parseNameConstraints } from '../name-constraints.ts'
import { brokenConstraint } from '../name-constraints-match.ts'
import { extensionOf } from '../octets.ts'

export const nameConstraintsHonoured: LintRule = {
  id: 'name-constraints-honoured',
  citation: 'RFC 5280 sections 4.2.1.10 and 6.1.3 (b) and (c)',
  scope: 'rfc',
  severity: 'error',
  requirement: "The names lie within the issuer's nameConstraints.",
  // "indicates a name space within which all subject names in subsequent certificates in a certification path MUST be located."
  check(certificate, { issuer }) {
    const value = issuer && extensionOf(issuer, extensionOids.nameConstraints)?.value
    if (value === undefined) return undefined
    const constraints = parseNameConstraints(value)
    if (constraints === undefined) return "the issuer's nameConstraints cannot be read"
    const form = brokenConstraint(constraints, certificate)
    return form === undefined ? undefined : `a name of the form ${form} is outside of the issuer's nameConstraints`
  },
}
