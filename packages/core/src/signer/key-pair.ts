import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { PkiError } from '@fleetcert/x509'
import type { KeyAlgorithm } from './signer.ts'

const generate = promisify(generateKeyPair)

/**
 * Makes a key with node:crypto, off the main thread where it takes long.
 * @throws PkiError `ERR_PKI_ALGORITHM` where this Node.js has no such keys
 */
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
    case 'ML-DSA-44':
      return createMlDsaKey('ml-dsa-44')
    case 'ML-DSA-65':
      return createMlDsaKey('ml-dsa-65')
    default:
      throw new TypeError(`algorithm: unknown key algorithm ${JSON.stringify(algorithm satisfies never)}`)
  }
}

/** Takes a millisecond. */
function createMlDsaKey(type: 'ml-dsa-44' | 'ml-dsa-65'): KeyObject {
  try {
    return generateKeyPairSync(type).privateKey
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_INVALID_ARG_VALUE') throw cause
    throw new PkiError('ERR_PKI_ALGORITHM', { algorithm: `${type}, which takes Node.js 24.7` }, { cause })
  }
}
