/** Something that goes wrong in the background, where no call would reject. */
export interface FleetWarning {
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
export function emitWarning({ type, issuerKeyId, shard, error, nextUpdate }: FleetWarning): void {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  const what = type === 'ocspResponderNotRenewed' ? 'OCSP responder' : 'CRL'
  const end = nextUpdate === undefined ? '' : `; the last one ends ${nextUpdate.toISOString()}`
  const reason = typeof code === 'string' ? code : 'an error'
  process.emitWarning(`${type}: ${what} of ${issuerKeyId.slice(0, 16)}, shard ${shard}: ${reason}${end}`, {
    type: 'FleetcertWarning',
    code: type,
  })
}
