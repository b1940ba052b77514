import {
  type BasicOcspResponse,
  isPkiError,
  parseOcspResponse,
  type SingleOcspResponse,
  verifyOcspResponse,
} from '@fleetcert/x509'
import type { Candidate } from './candidate.ts'
import type { RevocationStatus } from './crl-status.ts'
import type { Budget } from './limits.ts'

/** The signature of a delegate's certificate, and the one by its key. */
const signaturesPerAnswer = 2

/**
 * An OCSP answer; `undefined` for one that only says why there is none: nobody signed it.
 *
 * @throws PkiError as `parseOcspResponse`
 */
export function readOcspResponse(input: Uint8Array | BasicOcspResponse): BasicOcspResponse | undefined {
  const response = input instanceof Uint8Array ? parseOcspResponse(input) : input
  return response.status === 'successful' ? response : undefined
}

/** What OCSP answers say of a certificate of `issuer`. One that says `revoked` outweighs the others. */
export function ocspStatus(
  { certificate }: Candidate,
  issuer: Candidate,
  responses: readonly BasicOcspResponse[],
  { at, budget }: { readonly at: Date; readonly budget: Budget },
): RevocationStatus {
  let status: RevocationStatus = { status: 'unknown', isGiven: false, reason: 'no OCSP answer about it' }
  for (const response of responses) {
    if (!response.responses.some(({ certId }) => certId.serialNumber === certificate.serialNumber)) continue
    budget.spend('signatures', signaturesPerAnswer)
    let single: SingleOcspResponse
    try {
      const options = { issuer: issuer.certificate, serialNumber: certificate.serialNumber, at }
      single = verifyOcspResponse(response, options)
    } catch (error) {
      if (!isPkiError(error)) throw error
      // Of another certificate that happens to have this number.
      if (isPkiError(error, 'ERR_PKI_OCSP_MISMATCH')) continue
      if (status.status === 'unknown')
        status = { status: 'unknown', isGiven: true, reason: `an OCSP answer: ${reasonOf(error)}` }
      continue
    }
    if (single.certStatus === 'revoked') {
      return {
        status: 'revoked',
        reason: single.reason ?? 'unspecified',
        revocationDate: single.revocationDate ?? single.thisUpdate,
      }
    }
    if (single.certStatus === 'unknown') {
      if (status.status === 'unknown')
        status = { status: 'unknown', isGiven: true, reason: 'its OCSP responder does not know it' }
    } else {
      status = { status: 'good', thisUpdate: single.thisUpdate, nextUpdate: single.nextUpdate! }
    }
  }
  return status
}

function reasonOf({ details, message }: { readonly details: object; readonly message: string }): string {
  return 'reason' in details ? String(details.reason) : message
}
