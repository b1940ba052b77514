import { createHash } from 'node:crypto'
import { formatFingerprint, type IoOptions, PkiError, parsePublicKey, toHex } from '@fleetcert/x509'
import type { Revocation, RevocationQuery, Store } from '../store/store.ts'
import type { Authority } from './issuers/issuer-set.ts'

/** An RSA key of 16,384 bits takes 2,100 octets, ML-DSA-87 2,614. */
const limitBytes = 16 * 1024

/** A public key that somebody wants ended. */
export interface RevocationKey {
  readonly query: Extract<RevocationQuery, { list: 'key' }>
  /** `AA:BB:…` */
  readonly fingerprint: string
  /** From then on nothing is made with it, whatever becomes of what is there. */
  block(store: Store, revocation: Revocation, options?: IoOptions): Promise<void>
}

/**
 * Checks a SubjectPublicKeyInfo. Something else, such as the bare point of an EC key, has a hash too: blocking that would block nothing, and nobody would know.
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_CERTIFICATE`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_CA_IN_USE`
 */
export function keyOf(publicKey: Uint8Array, authorities: readonly Authority[]): RevocationKey {
  if (!(publicKey instanceof Uint8Array)) throw new TypeError('publicKey: expected a SubjectPublicKeyInfo, DER')
  if (publicKey.length > limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  parsePublicKey(publicKey)
  const publicKeyHash = new Uint8Array(createHash('sha256').update(publicKey).digest())
  const keyId = toHex(publicKeyHash)
  const ca = authorities.find(({ issuer }) => issuer.keyId === keyId)
  if (ca !== undefined) {
    throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: ca.issuer.certificate.serialNumber })
  }
  return {
    query: { list: 'key', publicKeyHash },
    fingerprint: formatFingerprint(publicKeyHash),
    async block(store, revocation, options) {
      const event = { type: 'keyBlocked', at: revocation.revocationDate, details: { publicKeyHash: keyId } } as const
      await store.blockKey(publicKeyHash, [event], options)
    },
  }
}
