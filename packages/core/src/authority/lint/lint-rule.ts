import type { TbsCertificate } from '@fleetcert/x509'

/** Whose requirement: `rfc`, which any certificate has to meet, or `fleetcert`, which only ours do. */
export type LintScope = 'rfc' | 'fleetcert'

/** `error`: what the citation says MUST be. `warning`: what it says SHOULD be, or a MUST whose exceptions cannot be seen in the certificate. */
export type LintSeverity = 'error' | 'warning'

/** What a rule may look at beside the TBSCertificate. */
export interface LintContext {
  /** BasicConstraints has cA. */
  readonly isCa: boolean
  /** Issuer and subject are the same name, octet by octet. */
  readonly isSelfIssued: boolean
  /** The issuer's certificate, where it is known. */
  readonly issuer?: TbsCertificate
  /** The AlgorithmIdentifier beside TBSCertificate; absent before there is a signature. */
  readonly outerSignatureAlgorithm?: Uint8Array
}

/** One requirement on certificates. */
export interface LintRule {
  /** Stable, kebab-case. */
  readonly id: string
  /** The section that says so. */
  readonly citation: string
  readonly scope: LintScope
  readonly severity: LintSeverity
  /** What must hold, one sentence; `docs/lint.md` is made from it. */
  readonly requirement: string
  /** What is wrong, or `undefined`. Pure, and never quotes text from the certificate: findings go to logs and terminals. */
  check(certificate: TbsCertificate, context: LintContext): string | undefined
}

/** What a rule found. */
export interface LintFinding {
  /** The rule's id. */
  readonly rule: string
  /** The section that says so, or fleetcert's own reason. */
  readonly citation: string
  /** Whose requirement it is. */
  readonly scope: LintScope
  /** How strictly it is meant. */
  readonly severity: LintSeverity
  /** What is wrong. Never holds text from the certificate. */
  readonly message: string
}
