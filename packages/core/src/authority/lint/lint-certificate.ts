import { parseCertificate, type TbsCertificate } from '@fleetcert/x509'
import type { LintContext, LintFinding } from './lint-rule.ts'
import { sameOctets } from './octets.ts'
import { lintRules } from './rules/index.ts'

/** Options of {@link lintCertificate}. */
export interface LintOptions {
  /** The issuer's certificate, DER or PEM: rules that compare the two are silent without it. */
  readonly issuer?: Uint8Array | string
}

/** What the rules find in a decoded TBSCertificate. @internal */
export function lintSubject(
  certificate: TbsCertificate,
  known: Pick<LintContext, 'issuer' | 'outerSignatureAlgorithm'> = {},
): LintFinding[] {
  const context: LintContext = {
    ...known,
    isCa: certificate.basicConstraints?.cA === true,
    isSelfIssued: sameOctets(certificate.issuerDer, certificate.subjectDer),
  }
  const findings: LintFinding[] = []
  for (const rule of lintRules) {
    const message = rule.check(certificate, context)
    if (message === undefined) continue
    const { id, citation, scope, severity } = rule
    findings.push({ rule: id, citation, scope, severity, message })
  }
  return findings
}

/**
 * Judges anybody's certificate, DER or PEM, by the rules of docs/lint.md. An empty list: nothing found. Findings of scope `fleetcert` say how it differs from what fleetcert issues, not that it is wrong.
 * Nothing is verified: neither signature nor path nor whether it is valid now.
 *
 * @throws PkiError `ERR_PKI_CERTIFICATE`, `ERR_PKI_DER`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE` for what is not a certificate.
 */
export function lintCertificate(certificate: Uint8Array | string, options: LintOptions = {}): LintFinding[] {
  const parsed = parseCertificate(certificate)
  const { outerSignatureAlgorithm } = parsed
  return options.issuer === undefined
    ? lintSubject(parsed, { outerSignatureAlgorithm })
    : lintSubject(parsed, { outerSignatureAlgorithm, issuer: parseCertificate(options.issuer) })
}
