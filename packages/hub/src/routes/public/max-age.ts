/**
 * How long a cache may keep a CRL or an OCSP answer, at most. Both are replaced as soon as something is revoked, so nobody should sit on one for all the time that it is valid:
 * a proxy in front shows a revocation a minute later at the latest, and asks with a conditional request that costs next to nothing.
 */
export const longestMaxAgeSeconds = 60

/** The `max-age` of what is good until `nextUpdate`: never more than what is left of it. */
export function maxAgeUntil(nextUpdate: Date, now: number): number {
  const leftSeconds = Math.floor((nextUpdate.getTime() - now) / 1000)
  return Math.max(0, Math.min(longestMaxAgeSeconds, leftSeconds))
}
