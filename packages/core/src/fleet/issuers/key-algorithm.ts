import type { KeyAlgorithm } from '../../signer/signer.ts'

const algorithms: Readonly<Record<KeyAlgorithm, true>> = {
  'P-256': true,
  'P-384': true,
  Ed25519: true,
  'RSA-2048': true,
  'RSA-3072': true,
  'RSA-4096': true,
  'ML-DSA-44': true,
  'ML-DSA-65': true,
}

/** What callers without TypeScript get wrong would otherwise be recorded before it fails. */
export function isKeyAlgorithm(value: unknown): value is KeyAlgorithm {
  return typeof value === 'string' && Object.hasOwn(algorithms, value)
}
