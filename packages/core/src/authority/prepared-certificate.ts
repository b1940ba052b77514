import { PkiError } from '@fleetcert/x509'

declare const linted: unique symbol

/**
 * A TBSCertificate that passed the lint. Only {@link prepareCertificate} makes one, and {@link spendPrepared} gives its bytes out once:
 * what was linted is what is signed, and it is signed at most once.
 */
export interface PreparedCertificate {
  readonly [linted]: true
}

/** The bytes are out of everybody's reach but {@link preparedBytes}' and {@link spendPrepared}'s. */
class Linted {
  #unspent: Uint8Array | undefined

  constructor(tbsCertificate: Uint8Array) {
    this.#unspent = tbsCertificate
  }

  static bytes(prepared: object): Uint8Array {
    const bytes = #unspent in prepared ? prepared.#unspent : undefined
    if (bytes === undefined) throw new PkiError('ERR_PKI_PREPARED_SPENT', {})
    return bytes
  }

  static spend(prepared: object): Uint8Array {
    const bytes = Linted.bytes(prepared)
    if (#unspent in prepared) prepared.#unspent = undefined
    return bytes
  }
}

/** @internal for `lint/prepare.ts` alone. */
export function makePrepared(tbsCertificate: Uint8Array): PreparedCertificate {
  return new Linted(tbsCertificate) as object as PreparedCertificate
}

/** The bytes, to be stored before they are signed. @throws PkiError `ERR_PKI_PREPARED_SPENT` */
export function preparedBytes(prepared: PreparedCertificate): Uint8Array {
  return Linted.bytes(prepared)
}

/** Gives the bytes out for signing, once. @throws PkiError `ERR_PKI_PREPARED_SPENT` */
export function spendPrepared(prepared: PreparedCertificate): Uint8Array {
  return Linted.spend(prepared)
}
