/** Something that goes wrong in the background, where no call would reject. */
export type FleetWarning = PublishingWarning | EnforcementWarning

/** An enforcer has not confirmed: `silence`, `admit` or `readmit` failed, and is asked again. Of one enforcer at most one a minute is told. */
export interface EnforcementWarning {
  readonly type: 'deviceNotSilenced'
  /** Its name. */
  readonly enforcer: string
  /** One of those that it was asked for. */
  readonly deviceId: string
  readonly error: unknown
  /** When it is tried again at the latest, in whole seconds. */
  readonly retrySeconds: number
}

/** Something that should be published, or answered, and is not up to date. */
export interface PublishingWarning {
  /** `crlNotPublished`: no new CRL can be made; the last one is served until it ends. `crlOutdated`: somebody asked for a CRL, and got the last one though it does not show every revocation. `ocspResponderNotRenewed`: answers are signed by the last one until it ends. */
  readonly type: 'crlNotPublished' | 'crlOutdated' | 'ocspResponderNotRenewed'
  readonly issuerKeyId: string
  /** 0 of an OCSP responder. */
  readonly shard: number
  /** What stands in the way, mostly a `PkiError`. */
  readonly error: unknown
  /** When the last CRL, or the responder's certificate, ends: from then on whoever checks refuses every certificate of the shard. Absent where there is none, or it is not known. */
  readonly nextUpdate?: Date
  /** When it is tried again, in whole seconds; absent where nothing but the next call does. */
  readonly retrySeconds?: number
}

/** What happens to warnings that nobody asked for: a warning of the process. */
export function emitWarning(warning: FleetWarning): void {
  const { type, error } = warning
  const code = (error as { readonly code?: unknown } | undefined)?.code
  const reason = typeof code === 'string' ? code : 'an error'
  const text = type === 'deviceNotSilenced' ? enforcementText(warning, reason) : publishingText(warning, reason)
  process.emitWarning(`${type}: ${text}`, { type: 'FleetcertWarning', code: type })
}

function enforcementText({ enforcer, deviceId, retrySeconds }: EnforcementWarning, reason: string): string {
  return `${enforcer} has not confirmed ${deviceId}: ${reason}; again within ${retrySeconds} s`
}

function publishingText({ type, issuerKeyId, shard, nextUpdate }: PublishingWarning, reason: string): string {
  const what = type === 'ocspResponderNotRenewed' ? 'OCSP responder' : 'CRL'
  const end = nextUpdate === undefined ? '' : `; the last one ends ${nextUpdate.toISOString()}`
  return `${what} of ${issuerKeyId.slice(0, 16)}, shard ${shard}: ${reason}${end}`
}
