import { isDate } from 'node:util/types'
import type { FleetEventInput, Revocation } from '../store/store.ts'
import type { RevokeRequest } from './fleet.ts'
import { revocationReasons } from './revocation-reasons.ts'

/**
 * Checks what a caller asks for; what is not asked for has its default.
 *
 * Strict, for callers without types: a keyCompromise that was misspelt must not become `unspecified` and leave the key open.
 */
export function revocationOf(request: RevokeRequest, now: Date): Revocation {
  if (typeof request !== 'object' || request === null)
    throw new TypeError('request: expected { reason, invalidityDate }')
  for (const name of Object.keys(request)) {
    if (name !== 'reason' && name !== 'invalidityDate') {
      throw new TypeError('request: expected nothing but reason and invalidityDate')
    }
  }
  const { reason = 'unspecified', invalidityDate } = request
  if (!revocationReasons.includes(reason))
    throw new TypeError('reason: expected a reason of RFC 5280 section 5.3.1 other than removeFromCRL')
  if (invalidityDate !== undefined && !isDate(invalidityDate)) throw new TypeError('invalidityDate: expected a Date')
  if (invalidityDate !== undefined && !(invalidityDate.getTime() >= 0 && invalidityDate.getTime() <= now.getTime())) {
    throw new RangeError('invalidityDate: expected a date from 1970 on that is not in the future')
  }
  return {
    revocationDate: now,
    reason,
    // The caller's Date may change while pages are worked through.
    ...(invalidityDate === undefined ? {} : { invalidityDate: new Date(invalidityDate) }),
  }
}

/** What the ledger says of a revocation, without whose it is. */
export function eventOf(revocation: Revocation, page?: string): FleetEventInput {
  return {
    type: revocation.reason === 'certificateHold' ? 'held' : 'revoked',
    at: revocation.revocationDate,
    details: { reason: revocation.reason, ...(page === undefined ? {} : { page }) },
  }
}
