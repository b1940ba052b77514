/** A rollover as the fleet document keeps it. CAs are named by the names of their keys; dates are ISO 8601. */
export interface RolloverRecord {
  /** What is replaced: the issuing CA alone, or the root with it. */
  readonly scope: 'issuingCa' | 'root'
  /** `announcing`: recorded, the CAs are being made. Then as in `RolloverStatus`. */
  readonly phase: 'announcing' | 'announced' | 'issuing' | 'retired' | 'withdrawn'
  readonly since: string
  readonly startedAt: string
}
