import { type CertificationRequest, PkiError, parseCertificationRequest } from '@fleetcert/core'
import { decodeBase64 } from '../../exchange/base64.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { malformed } from '../../exchange/fields.ts'

const limitBytes = 16 * 1024

/** What an EST client asks to have certified. */
export interface EstRequest {
  readonly csr: CertificationRequest
  /** Whether its base64 had no line ends. */
  readonly isOneLine: boolean
}

/**
 * The certification request of an EST body: base64 of its DER (RFC 7030 section 4.2.1), with CR, LF, spaces and tabs anywhere (RFC 8951 section 3.1). A Content-Transfer-Encoding is not looked at (section 3).
 *
 * PEM and plain DER are refused with what to do about it: one form, so that all that stands between client and hub sees the same request.
 *
 * @throws PkiError `ERR_PKI_REQUEST`, `ERR_PKI_TOO_LARGE`, and as `parseCertificationRequest`
 */
export async function estCsr(exchange: Exchange): Promise<EstRequest> {
  const body = await exchange.body()
  if (!/^application\/pkcs10[ \t]*(;|$)/i.test(exchange.header('content-type') ?? '')) {
    throw malformed('content-type: expected application/pkcs10')
  }
  if (body.length === 0) throw malformed('the body is empty')
  if ((exchange.header('content-encoding') ?? 'identity') !== 'identity') {
    throw malformed('content-encoding: none is supported')
  }
  const text = Buffer.from(body).toString('latin1')
  if (text.startsWith('-----BEGIN')) {
    throw malformed('the body is PEM: leave out the lines that begin with dashes')
  }
  // No base64 of a request begins with a zero: DER does, as an octet.
  if (text.startsWith('0')) throw malformed('the body is DER: encode it in base64')
  const base64 = text.replace(/[ \t\r\n]/g, '')
  if (base64.length > Math.ceil(limitBytes / 3) * 4) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  const der = decodeBase64(base64)
  if (der === undefined) throw malformed('the body is not base64')
  const csr = parseCertificationRequest(der)
  // RFC 7030 section 3.5 puts tls-unique there. TLS 1.3 has none, so the link cannot be checked; a client that insists on it must not believe that it was.
  if (csr.challengePassword !== undefined) {
    throw malformed('challengePassword: linking the request to the TLS session is not supported, leave it out')
  }
  return { csr, isOneLine: !/[\r\n]/.test(text) }
}
