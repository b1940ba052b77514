import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { parseNameConstraints } from '../name-constraints.ts'
import { extensionOf } from '../octets.ts'

export const nameConstraintsForm: LintRule = {
  id: 'name-constraints-form',
  citation: 'RFC 5280 section 4.2.1.10',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'nameConstraints has a subtree; minimum is 0 and not written, maximum is absent, the base is of its form.',
  // "conforming CAs MUST NOT issue certificates where name constraints is an empty sequence"; "the minimum MUST be zero, and maximum MUST be absent."
  check(certificate) {
    const value = extensionOf(certificate, extensionOids.nameConstraints)?.value
    if (value === undefined) return undefined
    const constraints = parseNameConstraints(value)
    if (constraints === undefined) return 'nameConstraints is malformed, or has minimum or maximum'
    const { permitted, excluded } = constraints
    return permitted.length === 0 && excluded.length === 0 ? 'nameConstraints is empty' : undefined
  },
}
