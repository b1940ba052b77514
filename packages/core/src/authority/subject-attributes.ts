import { type DistinguishedName, encodeName, type NameAttribute, PkiError } from '@fleetcert/x509'

const types = ['C', 'ST', 'L', 'O', 'OU'] as const

/**
 * The RDNs in front of the common name, in the order C, ST, L, O, OU.
 *
 * @param organization O, unless `attributes` has one.
 * @throws PkiError `ERR_PKI_NAME` (bounds of RFC 5280 appendix A.1)
 */
export function subjectOf(attributes: unknown, organization: string | undefined): DistinguishedName {
  const refuse = (reason: string): PkiError => new PkiError('ERR_PKI_NAME', { reason })
  if (attributes !== undefined && (typeof attributes !== 'object' || attributes === null)) {
    throw refuse('subject: expected an object')
  }
  const given: Readonly<Record<string, unknown>> = { ...attributes }
  for (const type of Object.keys(given)) {
    if (!types.some(known => known === type)) throw refuse('subject: expected C, ST, L, O and OU alone')
  }
  const name: NameAttribute[][] = []
  for (const type of types) {
    const value = given[type] ?? (type === 'O' ? organization : undefined)
    const values = type === 'OU' && Array.isArray(value) ? value : value === undefined ? [] : [value]
    for (const text of values) {
      if (typeof text !== 'string') throw refuse(`${type} must be a string`)
      if (type === 'C' && !/^[A-Z]{2}$/.test(text)) throw refuse('C must be two upper-case letters')
      name.push([{ type, value: text }])
    }
  }
  encodeName(name)
  return name
}
