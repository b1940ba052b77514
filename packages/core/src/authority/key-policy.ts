import { PkiError, type PublicKeyInfo } from '@fleetcert/x509'

/**
 * Which public keys are certified: P-256, P-384, Ed25519, and RSA of 2048–4096 bits with an odd exponent from 65537 up (CA/B Baseline Requirements 6.1.1.3, 6.1.6).
 * That an EC point lies on its curve is OpenSSL's check, made when the proof of possession imports the key.
 * @throws PkiError `ERR_PKI_KEY_POLICY`
 */
export function checkKeyPolicy(key: PublicKeyInfo): void {
  switch (key.type) {
    case 'ec':
      if (key.curve !== 'P-256' && key.curve !== 'P-384') throw refused(`the curve ${key.curve} is not certified`)
      return
    case 'ed25519':
      return
    case 'rsa':
      if (key.modulusBits < 2048) throw refused(`RSA keys need at least 2048 bits; this one has ${key.modulusBits}`)
      if (key.modulusBits > 4096) throw refused(`RSA keys may have at most 4096 bits; this one has ${key.modulusBits}`)
      if ((key.modulus.at(-1)! & 1) === 0) throw refused('the RSA modulus is even')
      if (key.publicExponent < 65537n || (key.publicExponent & 1n) === 0n) {
        throw refused('the RSA exponent must be odd and at least 65537')
      }
      if (key.publicExponent >= 1n << 256n) throw refused('the RSA exponent must be below 2^256')
      return
    default:
      throw refused(`the key algorithm ${key.algorithm} is not certified`)
  }
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_KEY_POLICY', { reason })
}
