import { generateKeyPairSync, generatePrimeSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasClosePrimes, squareRoot } from '../../../src/authority/keys/fermat.ts'
import { isPatterned } from '../../../src/authority/keys/patterned-modulus.ts'
import { isRoca } from '../../../src/authority/keys/roca.ts'
import { gcd, hasSmallFactor, primesBelow } from '../../../src/authority/keys/small-factors.ts'

const prime = (bits: number): bigint => generatePrimeSync(bits, { bigint: true })
const octetsOf = (value: bigint): Uint8Array => {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
const honest = (modulusLength: number): bigint => {
  const { n } = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
  return BigInt(`0x${Buffer.from(n!, 'base64url').toString('hex')}`)
}

describe.each([2048, 3072, 4096])('an honest modulus of %i bits', bits => {
  it('passes every test', () => {
    const modulus = honest(bits)
    expect(hasSmallFactor(modulus)).toBe(false)
    expect(isRoca(modulus)).toBe(false)
    expect(hasClosePrimes(modulus)).toBe(false)
    expect(isPatterned(octetsOf(modulus))).toBe(false)
  })
})

describe('hasSmallFactor', () => {
  it.each([2, 3, 5, 251, 4093, 31337, 65519, 65521])('finds %i', factor => {
    expect(hasSmallFactor(prime(1024) * prime(1024) * BigInt(factor))).toBe(true)
  })

  it('finds none in a product of primes from 2^16 up', () => {
    expect(hasSmallFactor(65537n * prime(1024))).toBe(false)
  })

  it('knows the primes', () => {
    expect(primesBelow(30)).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])
    expect(primesBelow(65536)).toHaveLength(6542)
    expect(gcd(48n, 36n)).toBe(12n)
    expect(gcd(7n, 0n)).toBe(7n)
  })
})

describe('isRoca', () => {
  // The form of Infineon's primes for 512-bit keys: k·M + (65537^a mod M), M the product of the first 39 primes. They need not be prime to be recognised.
  const primorial = primesBelow(168).reduce((product, factor) => product * BigInt(factor), 1n)
  const power = (exponent: bigint): bigint => {
    let result = 1n
    for (let base = 65537n, rest = exponent; rest > 0n; rest >>= 1n, base = (base * base) % primorial) {
      if (rest & 1n) result = (result * base) % primorial
    }
    return result
  }
  const number = fc.bigInt({ min: 1n << 700n, max: 1n << 800n })
  const exponent = fc.bigInt({ min: 0n, max: 1n << 62n })

  it('recognises every product of two numbers of that form', () => {
    fc.assert(
      fc.property(number, number, exponent, exponent, (k, l, a, b) =>
        isRoca((k * primorial + power(a)) * (l * primorial + power(b))),
      ),
      { numRuns: 100 },
    )
  })

  it('asks that the logarithms modulo the primes be one and the same number', () => {
    // A power of 65537 modulo each prime, but of different exponents modulo 11 and 13, whose subgroups have orders with a common factor.
    const others = primorial / 11n
    const modulo11 = [...Array(5).keys()].map(c => power(BigInt(c)) % 11n)
    let residue = power(7n) % others
    const wanted = modulo11.find(value => value !== power(7n) % 11n)!
    while (residue % 11n !== wanted) residue += others
    expect(primesBelow(168).every(p => orbit(p).has(Number(residue % BigInt(p))))).toBe(true)
    expect(isRoca(residue + primorial * (1n << 800n))).toBe(false)
  })

  function orbit(p: number): Set<number> {
    const seen = new Set<number>()
    for (let value = 1; !seen.has(value); value = (value * (65537 % p)) % p) seen.add(value)
    return seen
  }
})

describe('hasClosePrimes', () => {
  const next = (start: bigint): bigint => {
    // Not a prime, which Fermat's method does not need, but odd.
    return start | 1n
  }

  it.each([0n, 2n, 1000n, 1n << 64n, 1n << 256n, 1n << 510n])('finds factors that are %i apart', distance => {
    const p = prime(1024)
    expect(hasClosePrimes(p * next(p + distance))).toBe(true)
  })

  it('finds the last of a hundred rounds, and leaves off behind it', () => {
    // n = a² − b² with a = ⌊√n⌋ + round: b² = round·(2·√n) or so.
    const foundIn = (round: bigint): bigint => {
      const root = 1n << 1023n
      const b = squareRoot(2n * root * round)
      return (root - b) * (root + b)
    }
    expect(hasClosePrimes(foundIn(50n))).toBe(true)
    expect(hasClosePrimes(foundIn(99n))).toBe(true)
    expect(hasClosePrimes(foundIn(110n))).toBe(false)
  })

  it('takes square roots rounded down', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 4096n }), value => {
        const root = squareRoot(value)
        return root * root <= value && (root + 1n) * (root + 1n) > value
      }),
    )
  })
})

describe('isPatterned', () => {
  const random = (): Uint8Array => octetsOf(honest(2048))

  it('sees a run of one octet', () => {
    const octets = random()
    octets.fill(0xab, 100, 107)
    octets[99] = octets[107] = 0
    expect(isPatterned(octets)).toBe(false)
    octets.fill(0xab, 100, 108)
    expect(isPatterned(octets)).toBe(true)
  })

  it('sees an octet that fills an eighth', () => {
    const octets = random()
    for (let index = 0; index < 256; index += 7) octets[index] = 0
    expect(isPatterned(octets)).toBe(true)
  })

  it('sees eight octets that come again, also overlapping and at the end', () => {
    for (const place of [8, 9, 13, 100, 248]) {
      const octets = random()
      octets.copyWithin(place, 0, 8)
      expect(isPatterned(octets)).toBe(true)
    }
    const octets = random()
    octets.copyWithin(249, 0, 7)
    octets[248] = octets[255]! ^ 1
    expect(isPatterned(octets)).toBe(false)
  })
})
