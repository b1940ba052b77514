import {
  encodeCertId,
  encodeOcspRequest,
  type OcspResponseStatus,
  parseCertificate,
  parseOcspResponse,
} from '@fleetcert/core'

/** A certificate and its issuer's, PEM, as credentials and credential answers have them. */
export interface Asked {
  readonly certificate: string
  readonly chain: string
}

/** A request about certificates, DER. */
export function ocspRequest(
  asked: readonly Asked[],
  { nonce, hash = 'sha256' }: { readonly nonce?: Uint8Array; readonly hash?: 'sha1' | 'sha256' } = {},
): Buffer {
  const certIds = asked.map(({ certificate, chain }) =>
    encodeCertId(parseCertificate(chain), parseCertificate(certificate).serialNumber, hash),
  )
  return Buffer.from(encodeOcspRequest(certIds, nonce === undefined ? {} : { nonce }))
}

/** What an answer says of each certificate, or why there is none. */
export function ocspVerdict(der: Uint8Array): readonly string[] | Exclude<OcspResponseStatus, 'successful'> {
  const response = parseOcspResponse(der)
  if (response.status !== 'successful') return response.status
  return response.responses.map(({ certStatus }) => certStatus)
}

/** As hexadecimal digits, RFC 6960 section 4.2.1. */
export const failures = {
  malformedRequest: '30030a0101',
  internalError: '30030a0102',
  tryLater: '30030a0103',
  unauthorized: '30030a0106',
} as const
