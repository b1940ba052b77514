import { gcd, primesBelow } from './small-factors.ts'

/** Infineon's library used the 39 primes up to 167 for its shortest keys and more for longer ones: these divide M in all of them. */
const largestPrime = 167
const generator = 65537

interface Subgroup {
  readonly prime: number
  readonly order: number
  /** By residue: the exponent c with 65537^c ≡ residue, or −1. */
  readonly logarithms: Int16Array
}

// Made at the first RSA key.
let subgroups: readonly Subgroup[] | undefined

/**
 * Whether a modulus has the form that the key generator of Infineon's RSALib gave it (CVE-2017-15361, "ROCA").
 *
 * Nemec, Sys, Svenda, Klinec, Matyas, "The Return of Coppersmith's Attack" (CCS 2017), sections 2.2 and 2.3: its primes are p = k·M + (65537^a mod M) with M the product of the first primes,
 * so N ≡ 65537^(a+b) mod M, and N is recognised by having a discrete logarithm to the base 65537 modulo M. Pohlig and Hellman: there is one if there is one modulo each prime
 * and these agree. An honest modulus passes for such with probability 2^-154.
 */
export function isRoca(modulus: bigint): boolean {
  subgroups ??= primesBelow(largestPrime + 1).map(subgroupOf)
  const logarithms: number[] = []
  for (const subgroup of subgroups) {
    // An honest modulus stops here after four primes or so.
    const logarithm = subgroup.logarithms[Number(modulus % BigInt(subgroup.prime))]!
    if (logarithm === -1) return false
    logarithms.push(logarithm)
  }
  return agree(subgroups, logarithms)
}

/** Whether one c has c ≡ logarithm (mod order) for all of them. */
function agree(groups: readonly Subgroup[], logarithms: readonly number[]): boolean {
  let common = 0n
  let modulus = 1n
  for (const [index, group] of groups.entries()) {
    const order = BigInt(group.order)
    const shared = gcd(modulus, order)
    const logarithm = BigInt(logarithms[index]!)
    if ((logarithm - common) % shared !== 0n) return false
    // At most order / shared steps, fewer than 167.
    while ((logarithm - common) % order !== 0n) common += modulus
    modulus = (modulus / shared) * order
    common %= modulus
  }
  return true
}

function subgroupOf(prime: number): Subgroup {
  const logarithms = new Int16Array(prime).fill(-1)
  let power = 1
  let order = 0
  while (logarithms[power] === -1) {
    logarithms[power] = order++
    power = (power * (generator % prime)) % prime
  }
  return { prime, order, logarithms }
}
