import type { LintFinding } from '@fleetcert/core'

/** What a file, or a part of one, turned out to be. */
export interface Inspected {
  readonly type:
    | 'certificate'
    | 'certificationRequest'
    | 'crl'
    | 'ocspResponse'
    | 'privateKey'
    | 'encryptedPrivateKey'
    | 'publicKey'
    | 'pkcs12'
    | 'unknown'
  /** What it says, name by name, for people and as JSON. */
  readonly facts: Readonly<Record<string, string | undefined>>
  /** What is wrong with it, by the rules of docs/lint.md. */
  readonly findings?: readonly LintFinding[]
}
