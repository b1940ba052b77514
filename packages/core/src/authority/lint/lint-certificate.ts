import { parseCertificate } from '@fleetcert/x509'
import type { LintFinding, LintSubject } from './lint-rule.ts'
import { lintRules } from './rules/index.ts'

/** What the rules find in a decoded TBSCertificate. */
export function lintSubject(certificate: LintSubject): LintFinding[] {
  const findings: LintFinding[] = []
  for (const rule of lintRules) {
    const message = rule.check(certificate)
    if (message !== undefined) findings.push({ rule: rule.id, citation: rule.citation, message })
  }
  return findings
}

/**
 * Judges anybody's certificate, DER or PEM. An empty list: nothing found.
 * @throws PkiError `ERR_PKI_CERTIFICATE`, `ERR_PKI_DER`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE` for what is not a certificate.
 */
export function lintCertificate(certificate: Uint8Array | string): LintFinding[] {
  const parsed = parseCertificate(certificate)
  const findings = lintSubject(parsed)
  // RFC 5280 section 4.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertificate."
  if (Buffer.compare(parsed.outerSignatureAlgorithm, parsed.tbsSignatureAlgorithm) !== 0) {
    findings.push({
      rule: 'same-signature-algorithm',
      citation: 'RFC 5280 section 4.1.1.2',
      message: 'the outer and the inner signature algorithm differ',
    })
  }
  return findings
}
