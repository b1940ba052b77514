import { checkPrime } from 'node:crypto'
import { promisify } from 'node:util'
import { PkiError, type PublicKeyInfo } from '@fleetcert/x509'
import { ed25519Defect } from './keys/ed25519-point.ts'
import { hasClosePrimes } from './keys/fermat.ts'
import { isPatterned } from './keys/patterned-modulus.ts'
import { isRoca } from './keys/roca.ts'
import { hasSmallFactor } from './keys/small-factors.ts'

/** Kinds of keys that may be certified. `RSA` is of 2048 to 4096 bits. */
export type KeyKind = 'P-256' | 'P-384' | 'Ed25519' | 'RSA'

/** The kinds in the order in which one is chosen for a key that is made here. */
export const keyKinds: readonly KeyKind[] = ['P-256', 'P-384', 'Ed25519', 'RSA']

/** What a profile narrows the policy to. */
export interface KeyRules {
  readonly keys: readonly KeyKind[]
  readonly rsaMinimumBits: number
}

const leastRsaBits = 2048
const mostRsaBits = 4096

/**
 * Which public keys are certified: P-256, P-384, Ed25519, and RSA of 2048–4096 bits with an odd exponent from 65537 up (CA/B Baseline Requirements 6.1.1.3, 6.1.6), all less what `rules` exclude.
 * Curve parameters that are spelled out (CVE-2020-0601) are no named curve and refused with the rest. RSA moduli with a prime factor below 2^16, with close primes, of Infineon's broken generator,
 * or with visible patterns are refused, Ed25519 keys that are not canonical or of small order too.
 *
 * For EC keys and Ed25519 this takes next to no time, for RSA 0.3 to 1 ms, whatever the modulus. What it leaves to others:
 * that a point lies on its curve is OpenSSL's check when the proof of possession imports the key; that an RSA modulus is not itself a prime is {@link checkModulusComposite}'s;
 * and keys that are weak because somebody else has them (CVE-2008-0166, shared primes) are known by lists alone: `blockedKeys`.
 * @throws PkiError `ERR_PKI_KEY_POLICY`
 */
export function checkKeyPolicy(key: PublicKeyInfo, rules?: KeyRules): void {
  const kind = kindOf(key)
  if (rules !== undefined && !rules.keys.includes(kind)) throw refused(`the profile certifies no ${kind} keys`)
  if (key.type === 'rsa') checkRsa(key, Math.max(rules?.rsaMinimumBits ?? 0, leastRsaBits))
  if (key.type === 'ed25519') {
    const defect = ed25519Defect(key.key)
    if (defect !== undefined) throw refused(defect)
  }
}

/**
 * Refuses an RSA modulus that is itself a prime: its private exponent is the inverse of e modulo N − 1, so anybody has it. One modular exponentiation in the thread pool, as long as a
 * private-key operation; so it comes last, when the requester has done one too.
 * @throws PkiError `ERR_PKI_KEY_POLICY`
 */
export async function checkModulusComposite(key: PublicKeyInfo): Promise<void> {
  if (key.type !== 'rsa') return
  // One round proves that a number is composite; that it is a prime need not be proved.
  if (await isPrime(ownBuffer(key.modulus), { checks: 1 })) throw refused('the RSA modulus is a prime')
}

const isPrime = promisify<ArrayBuffer, { checks: number }, boolean>(checkPrime)

function kindOf(key: PublicKeyInfo): KeyKind {
  switch (key.type) {
    case 'ec':
      if (key.curve === 'P-256' || key.curve === 'P-384') return key.curve
      throw refused(`the curve ${key.curve} is not certified`)
    case 'ed25519':
      return 'Ed25519'
    case 'rsa':
      return 'RSA'
    case 'ml-dsa-44':
    case 'ml-dsa-65':
      throw refused(`the key algorithm ${key.type} is not certified`)
    default:
      throw refused(`the key algorithm ${key.algorithm} is not certified`)
  }
}

function checkRsa(key: Extract<PublicKeyInfo, { type: 'rsa' }>, leastBits: number): void {
  const { modulusBits, publicExponent } = key
  if (modulusBits < leastBits) throw refused(`RSA keys need at least ${leastBits} bits; this one has ${modulusBits}`)
  if (modulusBits > mostRsaBits) {
    throw refused(`RSA keys may have at most ${mostRsaBits} bits; this one has ${modulusBits}`)
  }
  if (publicExponent < 65537n || (publicExponent & 1n) === 0n) {
    throw refused('the RSA exponent must be odd and at least 65537')
  }
  if (publicExponent >= 1n << 256n) throw refused('the RSA exponent must be below 2^256')
  if (isPatterned(key.modulus)) throw refused('the RSA modulus follows a pattern')
  const modulus = BigInt(`0x${Buffer.from(key.modulus).toString('hex')}`)
  if (hasSmallFactor(modulus)) throw refused('the RSA modulus has a small prime factor')
  if (isRoca(modulus)) throw refused('the RSA modulus is of a generator known to be broken (CVE-2017-15361)')
  if (hasClosePrimes(modulus)) throw refused('the primes of the RSA modulus are too close to each other')
}

function ownBuffer(octets: Uint8Array): ArrayBuffer {
  return new Uint8Array(octets).buffer
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_KEY_POLICY', { reason })
}
