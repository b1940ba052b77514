import { isPkiError, PkiError, parseTbsCertificate } from '@fleetcert/x509'
import { makePrepared, type PreparedCertificate } from '../prepared-certificate.ts'
import { lintSubject } from './lint-certificate.ts'

/**
 * Lints the final bytes of a TBSCertificate – decoded again by our strict reader, never the template they came from – and makes them signable.
 * @throws PkiError `ERR_PKI_LINT`
 */
export function prepareCertificate(tbsCertificate: Uint8Array): PreparedCertificate {
  let findings: readonly string[]
  try {
    findings = lintSubject(parseTbsCertificate(tbsCertificate)).map(finding => `${finding.rule}: ${finding.message}`)
  } catch (error) {
    if (!isPkiError(error)) throw error
    throw new PkiError('ERR_PKI_LINT', { findings: ['der: the TBSCertificate cannot be decoded'] }, { cause: error })
  }
  if (findings.length > 0) throw new PkiError('ERR_PKI_LINT', { findings })
  return makePrepared(tbsCertificate)
}
