import { type DistinguishedName, type NameAttribute, PkiError } from '@fleetcert/x509'

/** Normalization is quadratic in a run of combining marks; no honest attribute with other than ASCII characters comes near. */
const maxUnicodeLength = 1024

/**
 * The RDNs of a name in a form in which names that match are equal strings: "the distinguished names match if they have the same number of RDNs, for each RDN in the first distinguished name
 * there is a matching RDN in the second" (RFC 5280 section 7.1). Values of all string types are compared as text after the preparation of RFC 4518, ignoring case.
 *
 * @throws PkiError `ERR_PKI_NAME` for a value too long to compare
 */
export function comparableRdns(name: DistinguishedName): readonly string[] {
  return name.map(rdn => JSON.stringify(rdn.map(comparableAttribute).sort(byText)))
}

/** {@link comparableRdns} as one string. */
export function comparableName(name: DistinguishedName): string {
  return comparableRdns(name).join('\n')
}

function comparableAttribute({ type, value, encoding }: NameAttribute): string {
  // Something that is no string is its octets.
  return encoding === 'other' ? `${type}:${value}` : `${type}=${prepare(value)}`
}

function prepare(value: string): string {
  if (isPlain(value)) return value.trim().replace(/ {2,}/g, ' ').toLowerCase()
  if (value.length > maxUnicodeLength) throw new PkiError('ERR_PKI_NAME', { reason: 'too long to compare' })
  // RFC 4518 section 2.2: some are "mapped to nothing", line breaks and separators "to SPACE".
  const mapped = value
    .replace(/[\t-\r\x85\p{Z}]/gu, ' ')
    .replace(/\p{Cc}|\p{Cf}|\p{Variation_Selector}|\u034f|\ufffc/gu, '')
  // Folding may compose anew, so it is normalized on both sides.
  const folded = mapped.normalize('NFKC').toLowerCase().normalize('NFKC')
  // RFC 4518 section 2.6.1: insignificant spaces.
  return folded.trim().replace(/ {2,}/g, ' ')
}

/** Printable ASCII alone: nothing to map or to normalize. */
function isPlain(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
