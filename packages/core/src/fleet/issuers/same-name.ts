import type { DistinguishedName } from '@fleetcert/x509'

/**
 * Whether clients take two names for one: they compare without regard to case, to spaces around a value and to how many there are within it (RFC 5280 section 7.1), and to how a string is encoded.
 */
export function isSameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return compared(a) === compared(b)
}

function compared(name: DistinguishedName): string {
  return JSON.stringify(
    name.map(rdn =>
      rdn
        .map(({ type, value }) => `${type}=${value.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()}`)
        .sort(),
    ),
  )
}
