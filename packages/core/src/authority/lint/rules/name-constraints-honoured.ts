import { extensionOids, type TbsCertificate } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { type NameConstraint, type NameConstraints, parseNameConstraints } from '../name-constraints.ts'
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
    if (issuer === undefined) return undefined
    let constraints = constraintsOf.get(issuer)
    if (constraints === undefined) {
      constraints = readConstraints(issuer)
      constraintsOf.set(issuer, constraints)
    }
    if (constraints === 'none') return undefined
    if (constraints !== 'unreadable' && !isConcerned(certificate, constraints.forms)) return undefined
    if (constraints === 'unreadable') return "the issuer's nameConstraints cannot be read"
    const form = brokenConstraint(constraints, certificate)
    return form === undefined ? undefined : `a name of the form ${form} is outside of the issuer's nameConstraints`
  },
}

interface KnownConstraints extends NameConstraints {
  /** The forms of names that are constrained at all. */
  readonly forms: ReadonlySet<NameConstraint['form']>
}

/** Whether any name is of a form that is constrained; the subject counts as two forms. */
function isConcerned({ subject, subjectAltName }: TbsCertificate, forms: KnownConstraints['forms']): boolean {
  if (forms.has('directoryName') && subject.length > 0) return true
  if (subjectAltName === undefined) return forms.has('email')
  for (const { type } of subjectAltName) if (forms.has(type)) return true
  return subjectAltName.length === 0 && forms.has('email')
}

/** Of an issuer, which is the same object for thousands of certificates. */
const constraintsOf = new WeakMap<TbsCertificate, KnownConstraints | 'none' | 'unreadable'>()

function readConstraints(issuer: TbsCertificate): KnownConstraints | 'none' | 'unreadable' {
  const value = extensionOf(issuer, extensionOids.nameConstraints)?.value
  if (value === undefined) return 'none'
  const constraints = parseNameConstraints(value)
  if (constraints === undefined) return 'unreadable'
  const forms = new Set([...constraints.permitted, ...constraints.excluded].map(({ form }) => form))
  return { ...constraints, forms }
}
