import type { Exchange } from '../../exchange/exchange.ts'

/** What a caller's copy is compared with. */
export interface Validators {
  readonly etag: string
  /** As the header says it. */
  readonly lastModified: string
  readonly isLastModifiedUnique: boolean
}

/**
 * Whether the caller has these very bytes (RFC 9110 section 13.1).
 *
 * If-Modified-Since counts in seconds. A CRL made in the same second as the one before it has the same Last-Modified, and a 304 for it would hide a revocation until the next CRL. So it is believed
 * only where no other version can have had that Last-Modified, and only the very value: a date of the caller's own clock says nothing.
 */
export function isNotModified(exchange: Exchange, validators: Validators): boolean {
  const ifNoneMatch = exchange.header('if-none-match')
  // RFC 9110 section 13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field".
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, validators.etag)
  return validators.isLastModifiedUnique && exchange.header('if-modified-since') === validators.lastModified
}

// RFC 9110 section 13.1.2: the weak comparison, so a proxy's W/ does no harm.
function matches(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true
  return ifNoneMatch.split(',').some(item => {
    const value = item.trim()
    return value === etag || value === '*' || value === `W/${etag}`
  })
}
