import type { TbsCertificate } from '@fleetcert/x509'
import type { LintRequirement } from '../requirement.ts'
import type { CrlEntryView, CrlView } from './crl-view.ts'

/** What a rule may look at beside the CRL. */
export interface CrlLintContext {
  /** The certificate of the CRL's issuer, where it is known. */
  readonly issuer?: TbsCertificate
  /** It has a delta CRL indicator. */
  readonly isDelta: boolean
  /** Its issuing distribution point says indirectCRL. */
  readonly isIndirect: boolean
}

/** One requirement on CRLs: on the list, on each of its entries, or on both. What is wrong, or `undefined`; never text of the CRL. */
export interface CrlLintRule extends LintRequirement {
  check?(crl: CrlView, context: CrlLintContext): string | undefined
  /** Makes a judge of the entries of one list; it is not asked again once it has found something. */
  entries?(crl: CrlView, context: CrlLintContext): (entry: CrlEntryView) => string | undefined
}
