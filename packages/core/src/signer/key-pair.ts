import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyAlgorithm } from './signer.ts'

const generate = promisify(generateKeyPair)

/** Makes a key with node:crypto, off the main thread where it takes long. */
export async function createPrivateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
      return (await generate('ec', { namedCurve: algorithm })).privateKey
    case 'Ed25519':
      return generateKeyPairSync('ed25519').privateKey
    case 'RSA-2048':
    case 'RSA-3072':
    case 'RSA-4096':
      return (await generate('rsa', { modulusLength: Number(algorithm.slice(4)), publicExponent: 65537 })).privateKey
    default:
      throw new TypeError(`algorithm: unknown key algorithm ${JSON.stringify(algorithm satisfies never)}`)
  }
}
