import { objectIdentifier } from './object-identifier.ts'

/**
 * Identifiers that nearly every certificate and request holds. Reading one of these is a look-up and a comparison of its octets instead of building its text anew,
 * and yields the very string that the rest of the code compares with. Nothing is remembered from input.
 */
const wellKnown: readonly string[] = [
  // Attribute types of names
  ...['3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '46'].map(arc => `2.5.4.${arc}`),
  '1.2.840.113549.1.9.1',
  '0.9.2342.19200300.100.1.1',
  '0.9.2342.19200300.100.1.25',
  // Extensions
  ...['14', '15', '17', '18', '19', '20', '21', '24', '28', '30', '31', '32', '35', '37'].map(arc => `2.5.29.${arc}`),
  '1.3.6.1.5.5.7.1.1',
  '1.3.6.1.5.5.7.48.1.5',
  // Access methods and key purposes
  '1.3.6.1.5.5.7.48.1',
  '1.3.6.1.5.5.7.48.2',
  '1.3.6.1.5.5.7.3.1',
  '1.3.6.1.5.5.7.3.2',
  '1.3.6.1.5.5.7.3.9',
  // OCSP
  '1.3.6.1.5.5.7.48.1.1',
  '1.3.6.1.5.5.7.48.1.2',
  '1.3.14.3.2.26',
  '2.16.840.1.101.3.4.2.1',
  // Keys and signatures
  '1.2.840.10045.2.1',
  '1.2.840.10045.3.1.7',
  '1.3.132.0.34',
  '1.3.132.0.35',
  '1.2.840.113549.1.1.1',
  '1.3.101.112',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  // Attributes of requests
  '1.2.840.113549.1.9.7',
  '1.2.840.113549.1.9.14',
]

interface Entry {
  readonly dotted: string
  /** Content octets. */
  readonly octets: Uint8Array
}

/** By length and last octet. */
const entries: ReadonlyMap<number, readonly Entry[]> = index()

/** The dotted form of content octets that are in the table; `undefined` for all others. @internal */
export function wellKnownObjectIdentifier(bytes: Uint8Array, start: number, end: number): string | undefined {
  const candidates = entries.get(((end - start) << 8) | (bytes[end - 1] ?? 0))
  if (candidates === undefined) return undefined
  for (const { dotted, octets } of candidates) {
    let same = 0
    while (same < octets.length && octets[same] === bytes[start + same]) same++
    if (same === octets.length) return dotted
  }
  return undefined
}

function index(): Map<number, Entry[]> {
  const found = new Map<number, Entry[]>()
  for (const text of wellKnown) {
    const octets = objectIdentifier(text).subarray(2)
    // A property name is a string of which there is one: comparing it with a literal is comparing two pointers.
    const [dotted = text] = Object.keys({ [text]: undefined })
    const key = (octets.length << 8) | octets[octets.length - 1]!
    found.set(key, [...(found.get(key) ?? []), { dotted, octets }])
  }
  return found
}
