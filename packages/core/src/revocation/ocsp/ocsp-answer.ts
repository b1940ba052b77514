import type { OcspResponseStatus } from '@fleetcert/x509'

/** An answer that speaks of certificates: signed, and good for anybody until `nextUpdate` unless it holds a nonce. */
export interface AuthoritativeOcspAnswer {
  readonly responseStatus: 'successful'
  /** OCSPResponse, DER. Do not write to it. */
  readonly der: Uint8Array
  /** When the status was known to be so; whole seconds. */
  readonly thisUpdate: Date
  /** By then there is newer information; whole seconds. */
  readonly nextUpdate: Date
  /** It echoes the nonce of its request: of no use to anybody else, so not for a shared cache. */
  readonly hasNonce: boolean
}

/** An answer that says why there is none: not signed, not for any cache. */
export interface FailedOcspAnswer {
  readonly responseStatus: Exclude<OcspResponseStatus, 'successful'>
  /** OCSPResponse, DER: five octets. */
  readonly der: Uint8Array
  /** What stood in the way, for the log; the client is not told. Absent where the request alone is to blame. */
  readonly cause?: unknown
}

/**
 * What a responder says to a request. `responseStatus` tells whether it is authoritative (RFC 9919 section 6 has cache headers for those alone).
 *
 * An answer that is given out again is the same object: what is derived from it (an ETag, headers) may be kept in a WeakMap.
 */
export type OcspAnswer = AuthoritativeOcspAnswer | FailedOcspAnswer
