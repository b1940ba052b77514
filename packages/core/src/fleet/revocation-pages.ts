import { randomBytes } from 'node:crypto'
import type { IoOptions } from '@fleetcert/x509'
import type { Cursor, Revocation, RevocationQuery, Store } from '../store/store.ts'
import type { Ending } from './ending.ts'
import { listAll } from './list-all.ts'
import type { OwnRevocations } from './own-revocations.ts'
import { eventOf } from './revocation-request.ts'

/** Certificates looked at in one transaction: long enough to share its fsync, short enough for others to come in between. */
export const certificatesPerPage = 256

export interface PageContext {
  readonly store: Store
  readonly clock: () => Date
  readonly own: OwnRevocations
  /** Aborts when the fleet is closed. */
  readonly closed: AbortSignal
}

/** What the events of a page have in common: by it the process that made them knows its own. */
export function pageName(): string {
  return randomBytes(8).toString('hex')
}

/** Revokes all of a query, page by page; each is durable, and added to `ending`, when its end is yielded. Every page has a date of its own: a CRL that was made meanwhile must not seem to be younger than what it does not list. */
export async function* revocationPages(
  { store, clock, own, closed }: PageContext,
  query: RevocationQuery,
  request: Revocation,
  ending: () => Ending,
  from: Cursor | undefined,
  options: IoOptions = {},
): AsyncGenerator<Cursor | undefined, void, undefined> {
  let after = from
  do {
    options.signal?.throwIfAborted()
    closed.throwIfAborted()
    const name = pageName()
    const revocation = { ...request, revocationDate: clock() }
    const place = { limit: certificatesPerPage, ...(after === undefined ? {} : { after }) }
    const page = await store.revokeAll(query, revocation, eventOf(revocation, name), place, options)
    // Only now: a page whose answer was lost is found in the ledger, and enforced, like another process's.
    own.rememberPage(name)
    ending().add(page.items)
    yield page.next
    after = page.next
  } while (after !== undefined)
}

/** Revokes all of a query. */
export async function endQuery(
  context: PageContext,
  query: RevocationQuery,
  request: Revocation,
  ending: Ending,
  options: IoOptions = {},
): Promise<void> {
  for await (const _ of revocationPages(context, query, request, () => ending, undefined, options));
}

/** Revokes whatever else has one of these keys, which are blocked already. Most keys have one certificate: then it is a look and no more. */
export async function endSharedKeys(
  context: PageContext,
  publicKeyHashes: Iterable<Uint8Array>,
  request: Revocation,
  ending: Ending,
  options: IoOptions = {},
): Promise<void> {
  for (const publicKeyHash of publicKeyHashes) {
    const query = { list: 'key', publicKeyHash } as const
    const { items } = await context.store.certificates(query, { limit: 2 }, options)
    if (items.length > 1) await endQuery(context, query, request, ending, options)
  }
}

/** The keys of a device that were compromised, each once. */
export async function compromisedKeysOf(
  store: Store,
  deviceId: string,
  options?: IoOptions,
): Promise<Iterable<Uint8Array>> {
  const keys = new Map<string, Uint8Array>()
  for await (const record of listAll(store, { list: 'device', deviceId }, undefined, options)) {
    if (record.revocation?.reason === 'keyCompromise') collectKey(keys, record.publicKeyHash)
  }
  return keys.values()
}

/** The keys of one page of a query, each once. */
export async function keysOfPage(
  store: Store,
  query: RevocationQuery,
  after: Cursor | undefined,
  options?: IoOptions,
): Promise<Iterable<Uint8Array>> {
  const keys = new Map<string, Uint8Array>()
  const place = { limit: certificatesPerPage, ...(after === undefined ? {} : { after }) }
  for (const { revocation, publicKeyHash } of (await store.certificates(query, place, options)).items) {
    if (revocation?.reason === 'keyCompromise') collectKey(keys, publicKeyHash)
  }
  return keys.values()
}

function collectKey(keys: Map<string, Uint8Array>, hash: Uint8Array): void {
  keys.set(Buffer.from(hash).toString('latin1'), hash)
}
