/** Of the same octet one after another. 256 octets hold such a run by chance once in 2^48 moduli. */
const maxRun = 7
/** Octets that come twice in the same order. By chance once in 2^49 moduli. */
const windowOctets = 8

/**
 * Whether the octets of a modulus are visibly not those of a product of two random primes: one value fills more than an eighth of it, one comes eight times in a row, or eight octets are repeated.
 * That is how moduli look whose primes are sparse, are small polynomials in a power of two, or were sought for a picture in their Base64.
 */
export function isPatterned(modulus: Uint8Array): boolean {
  const counts = new Uint16Array(256)
  let run = 0
  for (let index = 0; index < modulus.length; index++) {
    const octet = modulus[index]!
    run = index > 0 && modulus[index - 1] === octet ? run + 1 : 1
    if (run > maxRun || ++counts[octet]! > modulus.length / 8) return true
  }
  return hasRepeatedWindow(modulus)
}

function hasRepeatedWindow(modulus: Uint8Array): boolean {
  const seen = new Map<number, number>()
  let word = 0
  for (let end = 0; end < modulus.length; end++) {
    word = (word << 8) | modulus[end]! | 0
    if (end < 3) continue
    const earlier = seen.get(word)
    // Four octets may meet by chance; then the next four decide.
    if (earlier !== undefined && equalFor(modulus, earlier - 3, end - 3, windowOctets)) return true
    seen.set(word, end)
  }
  return false
}

function equalFor(octets: Uint8Array, first: number, second: number, length: number): boolean {
  if (second + length > octets.length) return false
  for (let index = 0; index < length; index++) if (octets[first + index] !== octets[second + index]) return false
  return true
}
