import type { parseTbsCertificate } from '@fleetcert/x509'

/** A certificate as a rule sees it: the TBSCertificate decoded from its final bytes. */
export type LintSubject = ReturnType<typeof parseTbsCertificate>

/** One requirement on certificates. */
export interface LintRule {
  /** Stable, kebab-case. */
  readonly id: string
  /** The section that says so. */
  readonly citation: string
  /** What is wrong, or `undefined`. Pure; sees only the certificate. */
  check(certificate: LintSubject): string | undefined
}

/** What a rule found. */
export interface LintFinding {
  readonly rule: string
  readonly citation: string
  readonly message: string
}
