import type { TbsCertificate } from '@fleetcert/x509'
import type { LintRequirement } from '../requirement.ts'
import type { BasicResponseView, OcspView } from './ocsp-view.ts'

/** What a rule may look at beside the response. */
export interface OcspLintContext {
  /** The certificate of the CA whose certificates are asked about, where it is known. */
  readonly issuer?: TbsCertificate
  /** What was asked, where it is known. */
  readonly request?: {
    /** {@link certIdKey} of each, in order. */
    readonly certIds: readonly string[]
    readonly nonce: Uint8Array | undefined
  }
  /** Whom ResponderID names: the issuer, or one of the certificates that came along. */
  readonly signer: TbsCertificate | undefined
  /** The signer, if it is not the issuer itself. */
  readonly delegate: TbsCertificate | undefined
  /** ResponderID names the issuer; `undefined` where the issuer is not known. */
  readonly isSignedByIssuer: boolean | undefined
}

/** One requirement on OCSP responses: on the whole, or on what a BasicOCSPResponse says. What is wrong, or `undefined`; never text of the response. */
export interface OcspLintRule extends LintRequirement {
  check?(response: OcspView, context: OcspLintContext): string | undefined
  checkBasic?(response: BasicResponseView, context: OcspLintContext): string | undefined
}
