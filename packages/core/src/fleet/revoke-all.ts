import { type IoOptions, PkiError } from '@fleetcert/x509'
import type { EnforcementQueue } from '../revocation/enforcement-queue.ts'
import type { Cursor, Revocation, RevocationQuery } from '../store/store.ts'
import { currentCertificate } from './current-certificate.ts'
import { createEnding, type Ending } from './ending.ts'
import { countEnforcements } from './enforcement-count.ts'
import type { Fleet } from './fleet.ts'
import type { FleetIssuers } from './issuers/fleet-issuers.ts'
import {
  certificatesPerPage,
  compromisedKeysOf,
  endSharedKeys,
  keysOfPage,
  type PageContext,
  pageName,
  revocationPages,
} from './revocation-pages.ts'
import { eventOf, revocationOf } from './revocation-request.ts'
import { cursorCodec, planOf } from './revoke-all-plan.ts'

export interface RevokeAllContext extends PageContext, EnforcementQueue {
  readonly issuers: FleetIssuers
}

/** Makes `fleet.revokeAll`. */
export function createRevokeAll(context: RevokeAllContext): Fleet['revokeAll'] {
  const { store, clock } = context
  return async (query, request = {}, options = {}) => {
    const { onPage, after, ...io } = options
    const revocation = revocationOf(request, clock())
    const plan = planOf(query, (await context.issuers.fresh(io)).authorities, revocation.revocationDate)
    const cursors = cursorCodec(plan, revocation.reason)
    const from = cursors.decode(after)
    io.signal?.throwIfAborted()
    // Nothing new may come while the pages are worked through.
    if (revocation.reason === 'keyCompromise' && 'key' in plan) await plan.key?.block(store, revocation, io)

    const silenced = countEnforcements()
    const work: Work = {
      ...context,
      revocation,
      io,
      from,
      silence(deviceId) {
        const enforcement = context.silence(deviceId)
        silenced.add(deviceId, enforcement)
        return enforcement
      },
    }
    let certificates = 0
    const unknown: string[] = []
    const pages = 'query' in plan ? queryPages(work, plan.query) : devicePages(work, plan.deviceIds)
    for await (const page of pages) {
      certificates += page.ending.certificates.length
      unknown.push(...(page.unknown ?? []))
      await onPage?.({
        certificates: page.ending.certificates,
        devices: [...page.ending.devices.keys()],
        ...(page.next === undefined ? {} : { cursor: cursors.encode(page.next) }),
      })
    }
    return { certificates, unknown, enforced: silenced.settled() }
  }
}

/** What is done in one call. */
interface Work extends RevokeAllContext {
  readonly revocation: Revocation
  readonly from: Cursor | undefined
  readonly io: IoOptions
}

interface WorkPage {
  readonly ending: Ending
  /** Devices of a list that nobody knows. */
  readonly unknown?: readonly string[]
  readonly next?: Cursor | undefined
}

/** The pages of a query. For keyCompromise each comes with whatever else has the keys of it, also those of a page that an earlier call ended and did not finish. */
async function* queryPages(work: Work, query: RevocationQuery): AsyncGenerator<WorkPage, void, undefined> {
  const { store, revocation, from, io } = work
  const spreads = revocation.reason === 'keyCompromise' && query.list !== 'key'
  let ending = createEnding(work)
  let after = from
  for await (const next of revocationPages(work, query, revocation, () => ending, from, io)) {
    if (spreads) await endSharedKeys(work, await keysOfPage(store, query, after, io), revocation, ending, io)
    yield { ending, next }
    ending = createEnding(work)
    after = next
  }
}

/** Whole devices, in the order of the list; the cursor is how many are done. */
async function* devicePages(work: Work, deviceIds: readonly string[]): AsyncGenerator<WorkPage, void, undefined> {
  const { from, io } = work
  let done = from === undefined ? 0 : Number(from)
  const isPlace = from === undefined || /^[1-9]\d{0,14}$/.test(from)
  if (!isPlace || done >= deviceIds.length) throw new PkiError('ERR_PKI_CURSOR', {})
  while (done < deviceIds.length) {
    io.signal?.throwIfAborted()
    work.closed.throwIfAborted()
    const group = deviceIds.slice(done, done + certificatesPerPage)
    const ending = createEnding(work)
    const unknown: string[] = []
    const endOne = async (deviceId: string): Promise<void> => {
      if (!(await endDevice(work, deviceId, ending))) unknown.push(deviceId)
    }
    // Together: they share a transaction where the store groups calls. All have settled before a failure is told: none is under way any more.
    const failure = (await Promise.allSettled(group.map(endOne))).find(result => result.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    done += group.length
    yield { ending, unknown, next: done < deviceIds.length ? String(done) : undefined }
  }
}

/** Whether there is such a device. */
async function endDevice(work: Work, deviceId: string, ending: Ending): Promise<boolean> {
  const { store, clock, own, io } = work
  const revocation = { ...work.revocation, revocationDate: clock() }
  // A page of one: should its answer be lost, the others of the group stay remembered.
  const name = pageName()
  const ids = await store.revokeDevice(deviceId, revocation, { ...eventOf(revocation, name), deviceId }, io)
  own.rememberPage(name)
  ending.add(ids.map(id => ({ id, deviceId })))
  if (revocation.reason === 'keyCompromise') {
    await endSharedKeys(work, await compromisedKeysOf(store, deviceId, io), revocation, ending, io)
  }
  return ids.length > 0 || (await currentCertificate(store, deviceId, clock(), io)) !== undefined
}
