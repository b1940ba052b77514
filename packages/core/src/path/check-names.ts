import type { ConstrainedName } from './constrained-name.ts'
import type { Budget } from './limits.ts'
import type { NameConstraints, Subtree } from './name-constraints.ts'

/** Why the constraints do not allow a name; `undefined` when they do. Each comparison is booked. */
export function whyNotAllowed(
  name: ConstrainedName,
  { permitted = [], excluded = [] }: NameConstraints,
  budget: Budget,
): string | undefined {
  let isBound = false
  let isPermitted = false
  for (const subtree of permitted) {
    budget.spend('nameComparisons')
    if (!isOfForm(name, subtree)) continue
    isBound = true
    if (name.form === 'unusable' || name.form === 'other') return `a name that cannot be compared`
    if (isWithin(name, subtree, budget)) {
      isPermitted = true
      break
    }
  }
  if (isBound && !isPermitted) return 'a name outside the permitted subtrees'
  for (const subtree of excluded) {
    budget.spend('nameComparisons')
    if (!isOfForm(name, subtree)) continue
    if (name.form === 'unusable' || name.form === 'other') return `a name that cannot be compared`
    if (isWithin(name, subtree, budget) || mayReach(name, subtree)) return 'a name in an excluded subtree'
  }
  return undefined
}

/** "Restrictions apply only when the specified name form is present." */
function isOfForm(name: ConstrainedName, subtree: Subtree): boolean {
  if (name.form === 'unusable') return name.of === subtree.form
  if (name.form === 'other') return subtree.form === 'other' && subtree.tagNumber === name.tagNumber
  return name.form === subtree.form
}

function isWithin(name: ConstrainedName, subtree: Subtree, budget: Budget): boolean {
  switch (name.form) {
    case 'dns':
      return subtree.form === 'dns' && isDnsWithin(name.host, subtree.host)
    case 'uri':
      return subtree.form === 'uri' && isHostWithin(name.host, subtree.host)
    case 'email':
      if (subtree.form !== 'email') return false
      // Local parts may tell capitals from small letters (RFC 5321 section 2.4).
      return subtree.localPart === undefined
        ? isHostWithin(name.host, subtree.host)
        : name.localPart === subtree.localPart && name.host === subtree.host
    case 'ip':
      return subtree.form === 'ip' && isAddressWithin(name.address, subtree.address, subtree.mask)
    case 'directory':
      if (subtree.form !== 'directory') return false
      budget.spend('nameComparisons', subtree.rdns.length)
      return subtree.rdns.length <= name.rdns.length && subtree.rdns.every((rdn, index) => rdn === name.rdns[index])
    default:
      return false
  }
}

/** "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of the name satisfies the name constraint." With a dot in front, as many CAs write it: one or more. */
function isDnsWithin(host: string, base: string): boolean {
  if (base === '' || host === base) return true
  return host.endsWith(base.startsWith('.') ? base : `.${base}`) && host.length > base.length
}

/** "When the constraint begins with a period, it MAY be expanded with one or more labels. … When the constraint does not begin with a period, it specifies a host." */
function isHostWithin(host: string, base: string): boolean {
  return base.startsWith('.') ? host.endsWith(base) && host.length > base.length : host === base
}

/** Whether a wildcard stands for a name in an excluded subtree although it is not in it: `*.a.example` for `b.a.example`. */
function mayReach(name: ConstrainedName, subtree: Subtree): boolean {
  if (name.form !== 'dns' || subtree.form !== 'dns' || !name.host.startsWith('*.')) return false
  const base = subtree.host.startsWith('.') ? subtree.host.slice(1) : subtree.host
  return base.slice(base.indexOf('.') + 1) === name.host.slice(2) && base.includes('.')
}

function isAddressWithin(address: Uint8Array, base: Uint8Array, mask: Uint8Array): boolean {
  if (address.length !== base.length) return false
  return address.every((octet, index) => ((octet ^ base[index]!) & mask[index]!) === 0)
}
