import type { CrlBase } from './crl-note.ts'

/** So many bases for the time that a CRL lasts: whoever holds a full CRL made between two of them starts from the earlier one. */
const basesPerValidity = 16

/**
 * The bases once `made` is published. A delta CRL is of use to whoever holds a full CRL at least as new as its base (RFC 5280 section 5.2.4 (c)), so it starts from the oldest that has not ended everywhere:
 * one goes when all that were made before the next one have ended.
 */
export function basesWith(bases: readonly CrlBase[], made: CrlBase, now: Date): readonly CrlBase[] {
  const kept = [...bases]
  while (kept.length > 1 && kept[1]!.nextUpdate <= now) kept.shift()
  const newest = kept.at(-1)
  const apart = (made.nextUpdate.getTime() - made.thisUpdate.getTime()) / basesPerValidity
  if (newest === undefined || made.thisUpdate.getTime() - newest.thisUpdate.getTime() >= apart) kept.push(made)
  return kept
}
