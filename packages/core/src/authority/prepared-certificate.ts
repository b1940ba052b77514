import { PkiError } from '@fleetcert/x509'

declare const linted: unique symbol

/**
 * A TBSCertificate that passed the lint. Only {@link prepareCertificate} makes one, and {@link spendPrepared} gives its bytes out once:
 * what was linted is what is signed, and it is signed at most once.
 */
export interface PreparedCertificate {
  readonly [linted]: true
}

const unspent = new WeakMap<PreparedCertificate, Uint8Array>()

/** @internal for `lint/prepare.ts` alone. */
export function makePrepared(tbsCertificate: Uint8Array): PreparedCertificate {
  const prepared = Object.freeze({}) as PreparedCertificate
  unspent.set(prepared, tbsCertificate)
  return prepared
}

/** The bytes, to be stored before they are signed. */
export function preparedBytes(prepared: PreparedCertificate): Uint8Array {
  const bytes = unspent.get(prepared)
  if (bytes === undefined) throw new PkiError('ERR_PKI_PREPARED_SPENT', {})
  return bytes
}

/** Gives the bytes out for signing, once. @throws PkiError `ERR_PKI_PREPARED_SPENT` */
export function spendPrepared(prepared: PreparedCertificate): Uint8Array {
  const bytes = preparedBytes(prepared)
  unspent.delete(prepared)
  return bytes
}
