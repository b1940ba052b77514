/** Something that goes wrong in the background, where no call would reject. */
export type FleetWarning = PublishingWarning | EnforcementWarning | LastKnownWarning

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

/** The store is away, and devices are identified by what was last known: only where `lastKnownWhileStoreIsAway` was chosen. Told once each time that the store goes away, with the first such answer. */
export interface LastKnownWarning {
  readonly type: 'identitiesLastKnown'
  /** Of what was revoked after this, by other processes, nobody here knows. */
  readonly since: Date
  /** From then on nobody is identified any more, unless the store is back. */
  readonly until: Date
  /** What the store said; absent where it said nothing in time. */
  readonly error?: unknown
}

/** Something that should be published, or answered, and is not up to date. */
export interface PublishingWarning {
  /** `crlNotPublished`: no new CRL can be made; the last one is served until it ends. `crlOutdated`: somebody asked for a CRL, and got the last one though it does not show every revocation. `ocspResponderNotRenewed`: answers are signed by the last one until it ends. `hotIssuerNotRenewed`: certificates are signed by the last one until its use ends, and then by the issuing CA's own key. */
  readonly type: 'crlNotPublished' | 'crlOutdated' | 'ocspResponderNotRenewed' | 'hotIssuerNotRenewed'
  readonly issuerKeyId: string
  /** 0 of an OCSP responder and a hot issuer. */
  readonly shard: number
  /** What stands in the way, mostly a `PkiError`. */
  readonly error: unknown
  /** When the last CRL, the responder's certificate, or the use of the hot issuer ends: of the first two, from then on whoever checks refuses every certificate of the shard. Absent where there is none, or it is not known. */
  readonly nextUpdate?: Date
  /** When it is tried again, in whole seconds; absent where nothing but the next call does. */
  readonly retrySeconds?: number
}

/** What happens to warnings that nobody asked for: a warning of the process. */
export function emitWarning(warning: FleetWarning): void {
  const { type, error } = warning
  const code = (error as { readonly code?: unknown } | undefined)?.code
  const reason = typeof code === 'string' ? code : 'an error'
  process.emitWarning(`${type}: ${textOf(warning, reason)}`, { type: 'FleetcertWarning', code: type })
}

function textOf(warning: FleetWarning, reason: string): string {
  if (warning.type === 'deviceNotSilenced') return enforcementText(warning, reason)
  if (warning.type === 'identitiesLastKnown') {
    return `the store is away, and devices are identified as of ${warning.since.toISOString()}, until ${warning.until.toISOString()}`
  }
  return publishingText(warning, reason)
}

function enforcementText({ enforcer, deviceId, retrySeconds }: EnforcementWarning, reason: string): string {
  return `${enforcer} has not confirmed ${deviceId}: ${reason}; again within ${retrySeconds} s`
}

function publishingText({ type, issuerKeyId, shard, nextUpdate }: PublishingWarning, reason: string): string {
  const what = {
    ocspResponderNotRenewed: 'OCSP responder',
    hotIssuerNotRenewed: 'hot issuer',
    crlNotPublished: 'CRL',
    crlOutdated: 'CRL',
  }[type]
  const end = nextUpdate === undefined ? '' : `; the last one ends ${nextUpdate.toISOString()}`
  return `${what} of ${issuerKeyId.slice(0, 16)}, shard ${shard}: ${reason}${end}`
}
