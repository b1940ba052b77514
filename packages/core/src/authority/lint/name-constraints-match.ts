import { isIP } from 'node:net'
import { attributeValues, type DistinguishedName, type GeneralName, type TbsCertificate } from '@fleetcert/x509'
import type { NameConstraint, NameConstraints } from './name-constraints.ts'
import { hostOfUri } from './name-syntax.ts'

/** As many as OpenSSL makes: names of one certificate times constraints of another must not be somebody's afternoon. */
const mostComparisons = 1 << 20

/**
 * The form of a name of `certificate` that lies outside of `constraints`, or `undefined` (RFC 5280 sections 4.2.1.10 and 6.1.3 (b) and (c)):
 * a name must be in a permitted subtree of its form, where there are any, and in no excluded one. What cannot be compared counts as outside; `any` where there are too many to compare.
 */
export function brokenConstraint(constraints: NameConstraints, certificate: TbsCertificate): string | undefined {
  const names = namesOf(certificate)
  if (names.length * (constraints.permitted.length + constraints.excluded.length) > mostComparisons) return 'any'
  for (const name of names) {
    const isOfForm = (constraint: NameConstraint): boolean =>
      constraint.form === name.type && (constraint.form !== 'other' || constraint.tag === (name as { tag: number }).tag)
    const permitted = constraints.permitted.filter(isOfForm)
    const excluded = constraints.excluded.filter(isOfForm)
    const isOutside = permitted.length > 0 && !permitted.some(constraint => isWithin(name, constraint, 'permitted'))
    if (isOutside || excluded.some(constraint => isWithin(name, constraint, 'excluded'))) return name.type
  }
  return undefined
}

function namesOf({ subject, subjectAltName = [] }: TbsCertificate): readonly GeneralName[] {
  const names = [...subjectAltName]
  if (subject.length > 0) names.push({ type: 'directoryName', value: subject })
  // "When constraints are imposed on the rfc822Name name form, but the certificate does not include a subject alternative name, the rfc822Name constraint MUST be applied to the attribute of type emailAddress in the subject distinguished name."
  if (subjectAltName.length === 0) {
    for (const value of attributeValues(subject, 'emailAddress')) names.push({ type: 'email', value })
  }
  return names
}

/** Where a comparison is not possible, the answer is the one that refuses the name. */
function isWithin(name: GeneralName, constraint: NameConstraint, kind: 'permitted' | 'excluded'): boolean {
  switch (constraint.form) {
    case 'dns':
      return name.type === 'dns' && isDnsWithin(name.value.toLowerCase(), constraint.base, kind)
    case 'email':
      return name.type === 'email' && isMailWithin(name.value, constraint.base)
    case 'uri': {
      const host = name.type === 'uri' ? hostOfUri(name.value)?.toLowerCase() : undefined
      // "If a constraint is applied to the uniformResourceIdentifier name form and a subsequent certificate includes a subjectAltName extension with a uniformResourceIdentifier that does not include an authority component with a host name specified as a fully qualified domain name …, then the application MUST reject the certificate."
      if (host === undefined || host === '' || isIP(host) !== 0) return kind === 'excluded'
      return isHostWithin(host, constraint.base)
    }
    case 'ip':
      return name.type === 'ip' && isAddressWithin(name.value, constraint.address, constraint.mask)
    case 'directoryName':
      return name.type === 'directoryName' && isNameWithin(name.value, constraint.base)
    case 'other':
      return kind === 'excluded'
  }
}

/** "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of the name satisfies the name constraint." A leading dot, which many CAs write, leaves no zero. */
function isDnsWithin(name: string, base: string, kind: 'permitted' | 'excluded'): boolean {
  if (base === '' || name === base) return true
  if (name.endsWith(base.startsWith('.') ? base : `.${base}`)) return true
  // `*.example.com` reaches into an excluded `a.example.com`.
  return kind === 'excluded' && name.startsWith('*.') && base.replace(/^\./, '').endsWith(name.slice(1))
}

/** A mailbox, a host, or with a leading dot the hosts of a domain. */
function isMailWithin(mailbox: string, base: string): boolean {
  const at = mailbox.lastIndexOf('@')
  const host = mailbox.slice(at + 1).toLowerCase()
  // Local parts are compared without case too: who excludes one means it.
  return base.includes('@') ? mailbox.toLowerCase() === base : isHostWithin(host, base)
}

function isHostWithin(host: string, base: string): boolean {
  return base.startsWith('.') ? host.endsWith(base) : host === base
}

function isAddressWithin(text: string, address: Uint8Array, mask: Uint8Array): boolean {
  const octets = addressOctets(text)
  return (
    octets.length === address.length && octets.every((octet, index) => ((octet ^ address[index]!) & mask[index]!) === 0)
  )
}

/** From the text of a parsed certificate: dotted IPv4, or IPv6 without embedded IPv4. */
function addressOctets(text: string): number[] {
  if (isIP(text) === 4) return text.split('.').map(Number)
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const middle = new Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...middle, ...right].flatMap(group => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** Whether the RDNs of `base` are the first of `name`; attributes are compared without case and with white space folded (RFC 5280 section 7.1). */
function isNameWithin(name: DistinguishedName, base: DistinguishedName): boolean {
  if (base.length > name.length) return false
  return base.every((rdn, index) => rdnText(rdn) === rdnText(name[index]!))
}

function rdnText(rdn: DistinguishedName[number]): string {
  return rdn
    .map(({ type, value }) => `${type}=${value.trim().replaceAll(/\s+/g, ' ').toLowerCase()}`)
    .sort()
    .join('\0')
}
