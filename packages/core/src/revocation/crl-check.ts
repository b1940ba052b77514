import { type IoOptions, PkiError, toHex } from '@fleetcert/x509'
import type { CrlParts, CrlScope, Store } from '../store/store.ts'
import type { Pause } from './crl-pause.ts'
import { createSerialSet } from './crl-serial-set.ts'
import { entryPages, visitSerials } from './crl-serials.ts'

/** A CRL that is about to be signed. */
export interface NextCrl {
  readonly crlNumber: bigint
  readonly thisUpdate: Date
  /** Pages of entries. */
  readonly entries: readonly Uint8Array[]
}

// An entry has 30 octets at the least that our serial numbers leave; foreign ones are shorter.
const leastOctets = 20
/** What reading a row takes, against going through entries. */
const octetsOfRecord = 4096

/**
 * Whether `next` may follow `previous`: a store that loses rows, skips a page or was turned back must not take a revocation back. What was listed is listed again, unless it was released,
 * or its time is over: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL issued beyond the revoked certificate's validity period" (RFC 5280 section 3.3).
 * Works in slices; `pause` comes between them.
 * @throws PkiError `ERR_PKI_CRL_CHECK`, and what the store rejects.
 */
export async function checkSuccessor(
  store: Store,
  scope: CrlScope,
  previous: CrlParts,
  next: NextCrl,
  pause: Pause,
  options: IoOptions,
): Promise<void> {
  const refuse = (reason: string, serialNumber?: string): PkiError<'ERR_PKI_CRL_CHECK'> =>
    new PkiError('ERR_PKI_CRL_CHECK', {
      issuerKeyId: scope.issuerKeyId,
      shard: scope.shard,
      reason,
      ...(serialNumber === undefined ? {} : { serialNumber }),
    })
  // RFC 5280 section 5.2.3: "a monotonically increasing sequence number".
  if (next.crlNumber <= previous.crlNumber) throw refuse('its number is not greater than the last one')
  if (next.thisUpdate < previous.thisUpdate) throw refuse('it would be older than the last one')

  for (const serialNumber of await missing(previous.parts, next.entries, pause)) {
    const record = await store.certificate({ issuerKeyId: scope.issuerKeyId, serialNumber }, options)
    if (record === undefined) throw refuse('a certificate that the last one lists is not on record', serialNumber)
    const { revocation, notAfter } = record
    const isOver =
      revocation !== undefined && notAfter < previous.thisUpdate && revocation.revocationDate < previous.thisUpdate
    if (revocation !== undefined && !isOver) throw refuse('a revoked certificate would vanish', serialNumber)
    await pause(octetsOfRecord)
  }
}

/** The serial numbers, as hex, that the previous CRL lists and the next one does not. */
async function missing(
  previous: readonly Uint8Array[],
  next: readonly Uint8Array[],
  pause: Pause,
): Promise<readonly string[]> {
  const rest = await afterCommon(entryPages(previous), next, pause)
  if (rest === undefined) return []
  const octets = rest.next.reduce((sum, { length }) => sum + length, 0)
  const listed = createSerialSet(Math.ceil(octets / leastOctets))
  for (const page of rest.next) {
    visitSerials(page, listed.add)
    await pause(page.length)
  }
  const serialNumbers: string[] = []
  for (const page of rest.previous) {
    visitSerials(page, (at, start, end) => {
      if (!listed.has(at, start, end)) serialNumbers.push(serialNumberOf(at, start, end))
    })
    await pause(page.length)
  }
  return serialNumbers
}

/**
 * Entries keep their order, so most CRLs begin with what the last one was: octets that are the same need not be looked into. What follows, or `undefined` where nothing of the previous CRL is left.
 * The rest of both begins before the first difference: the previous one's with a page, the next one's where that page's first entry is.
 */
async function afterCommon(
  previous: Generator<Uint8Array>,
  next: readonly Uint8Array[],
  pause: Pause,
): Promise<{ readonly previous: Iterable<Uint8Array>; readonly next: readonly Uint8Array[] } | undefined> {
  let index = 0
  let offset = 0
  // Not `for … of`, which would close the generator on the way out.
  for (let { value: page, done } = previous.next(); done !== true; { value: page, done } = previous.next()) {
    const first = index
    for (let begin = 0; begin < page.length; ) {
      const other = next[index]
      const length = Math.min(page.length - begin, (other?.length ?? 0) - offset)
      const isSame = other !== undefined && sameOctets(page, begin, other, offset, length)
      if (!isSame) return { previous: withFirst(page, previous), next: next.slice(first) }
      begin += length
      offset += length
      if (offset === other.length) {
        index += 1
        offset = 0
      }
    }
    await pause(page.length)
  }
  return undefined
}

function* withFirst(first: Uint8Array, rest: Generator<Uint8Array>): Generator<Uint8Array> {
  yield first
  yield* rest
}

function sameOctets(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  return Buffer.compare(a.subarray(aStart, aStart + length), b.subarray(bStart, bStart + length)) === 0
}

/** Without the octet that keeps the number positive. */
function serialNumberOf(octets: Uint8Array, start: number, end: number): string {
  const hasSignOctet = end - start > 1 && octets[start] === 0
  return toHex(octets.subarray(hasSignOctet ? start + 1 : start, end))
}
