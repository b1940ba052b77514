const limit = 65_536

// Made at the first RSA key: 94 kbit, 7 ms once.
let primorial: bigint | undefined

/**
 * Whether a prime below 2^16 divides `modulus`: one remainder of the product of all these primes, then Euclid's algorithm on numbers of the modulus' size.
 * (NIST SP 800-89 section 5.3.3 and CA/B Baseline Requirements 6.1.6 ask for 752 as the least; broken generators and bit flips leave larger ones.)
 */
export function hasSmallFactor(modulus: bigint): boolean {
  primorial ??= product(primesBelow(limit).map(BigInt))
  return gcd(modulus, primorial % modulus) !== 1n
}

/** In order. */
export function primesBelow(end: number): number[] {
  const composite = new Uint8Array(end)
  const primes: number[] = []
  for (let number = 2; number < end; number++) {
    if (composite[number]) continue
    primes.push(number)
    for (let multiple = number * number; multiple < end; multiple += number) composite[multiple] = 1
  }
  return primes
}

/** Pairwise, so that factors are of like size. */
function product(factors: readonly bigint[]): bigint {
  if (factors.length === 1) return factors[0]!
  const middle = factors.length >> 1
  return product(factors.slice(0, middle)) * product(factors.slice(middle))
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
