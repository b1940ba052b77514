import type { DistinguishedName } from '@fleetcert/x509'

/** What the CAs are called, after the organization. */
export const authorityCommonNames = ['Root CA', 'Issuing CA'] as const

/** X.520: the most that a common name holds. */
const mostCharacters = 64

/**
 * The name of a CA of this fleet. Each generation has another: who builds chains by names alone takes no key for another.
 * @param generation 1 for the first
 */
export function authorityName(
  organization: string | undefined,
  commonName: (typeof authorityCommonNames)[number],
  generation = 1,
): DistinguishedName {
  const title = generation === 1 ? ` ${commonName}` : ` ${commonName} G${generation}`
  if (organization === undefined) return [[{ type: 'CN', value: `Fleet${title}` }]]
  const characters = [...organization].slice(0, mostCharacters - title.length)
  return [[{ type: 'O', value: organization }], [{ type: 'CN', value: `${characters.join('')}${title}` }]]
}
