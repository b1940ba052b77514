import { isPkiError, PkiError, parseTbsCertificate, type TbsCertificate } from '@fleetcert/x509'
import { makePrepared, type PreparedCertificate } from '../prepared-certificate.ts'
import { lintSubject } from './lint-certificate.ts'

/**
 * Lints the final bytes of a TBSCertificate – decoded again by our strict reader, never the template they came from – and makes them signable.
 * Every finding refuses, warnings too: our own certificates have no reason to break a SHOULD.
 *
 * @param issuer the certificate whose key will sign; absent for a self-signed one
 * @throws PkiError `ERR_PKI_LINT`
 */
export function prepareCertificate(tbsCertificate: Uint8Array, issuer?: TbsCertificate): PreparedCertificate {
  let findings: readonly string[]
  try {
    findings = lintSubject(parseTbsCertificate(tbsCertificate), issuer === undefined ? {} : { issuer }).map(
      finding => `${finding.rule}: ${finding.message}`,
    )
  } catch (error) {
    if (!isPkiError(error)) throw error
    throw new PkiError('ERR_PKI_LINT', { findings: ['der: the TBSCertificate cannot be decoded'] }, { cause: error })
  }
  if (findings.length > 0) throw new PkiError('ERR_PKI_LINT', { findings })
  return makePrepared(tbsCertificate)
}
