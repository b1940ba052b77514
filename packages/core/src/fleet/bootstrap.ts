import { setTimeout as sleep } from 'node:timers/promises'
import { PkiError, toHex } from '@fleetcert/x509'
import type { IssueContext } from '../authority/issue.ts'
import { randomSerialNumber } from '../authority/serial-number.ts'
import type { Lease } from '../store/store.ts'
import {
  encodeFleetDocument,
  type FleetDocument,
  type FoundDocument,
  findFleetDocument,
  fleetDocumentName,
} from './fleet-document.ts'
import type { AuthorityRecord } from './issuers/authority-record.ts'
import {
  type AuthorityKeyrings,
  type AuthorityOptions,
  makeAuthority,
  openAuthorityKey,
  type SigningCa,
  usableSerialNumber,
} from './issuers/make-authority.ts'

const leaseName = 'bootstrap'
const leaseSeconds = 60

export interface BootstrapOptions extends AuthorityOptions {
  /** Another's root signs the issuing CA: none is made. */
  readonly isRootExternal: boolean
  /** Recorded, see `recordPublishing`. */
  readonly baseUrl: string | null
  /** How long to wait for another process that is making this fleet. */
  readonly waitSeconds?: number
}

/**
 * The fleet's CAs: read, or made at the first start, under the lease `bootstrap`, by one process among many.
 * What will be made is recorded before it is made, so a start that died at any point is finished by the next, and a store that was lost never leads to a second root.
 * @throws PkiError `ERR_PKI_STORE_LOST`, `ERR_PKI_BOOTSTRAP_BUSY`, and what store and keyring reject.
 */
export async function bootstrapFleet(context: IssueContext, options: BootstrapOptions): Promise<FleetDocument> {
  const { store, holder } = context
  // Real time, not the fleet's clock: other processes are waited for, not certificates.
  const deadline = Date.now() + (options.waitSeconds ?? 60) * 1000
  for (;;) {
    const found = await findFleetDocument(store)
    if (found?.document.phase === 'ready') return found.document
    const lease = await store.lease(leaseName, holder.instance, leaseSeconds)
    if (lease !== undefined) {
      try {
        return await createUnderLease(context, options, lease)
      } finally {
        await store.releaseLease(lease).catch(() => {})
      }
    }
    if (Date.now() > deadline) throw new PkiError('ERR_PKI_BOOTSTRAP_BUSY', {})
    await sleep(50)
  }
}

async function createUnderLease(
  context: IssueContext,
  options: BootstrapOptions,
  lease: Lease,
): Promise<FleetDocument> {
  let found = await findFleetDocument(context.store)
  if (found === undefined) {
    await refuseLostStore(options.keyrings)
    found = { document: firstPlan(context, options), version: 1 }
    await put(context, found, lease)
  }
  const { document, version } = found
  if (document.phase === 'ready') return document
  const plan = await replan(context, options, document)
  // Recorded before anything is signed under the new numbers, so that dying again leads to no third certificate.
  const planned = plan === document ? version : version + 1
  if (plan !== document) await put(context, { document: plan, version: planned }, lease)
  const authorities = await makeAuthorities(context, options, plan)
  const ready: FleetDocument = {
    ...plan,
    phase: 'ready',
    baseUrl: options.baseUrl,
    crlVersion: planned + 1,
    authorities,
  }
  await put(context, { document: ready, version: planned + 1 }, lease)
  return ready
}

function firstPlan({ clock }: IssueContext, { organization, isRootExternal }: BootstrapOptions): FleetDocument {
  const root: AuthorityRecord = {
    role: 'root',
    state: 'planned',
    keyring: 'root',
    keyName: 'root',
    issuedBy: 'root',
    serialNumber: toHex(randomSerialNumber()),
  }
  const issuing: AuthorityRecord = { role: 'issuingCa', state: 'planned', keyring: 'issuing', keyName: 'ca' }
  return {
    format: 2,
    phase: 'creating',
    ...(organization === undefined ? {} : { organization }),
    crlVersion: 0,
    createdAt: clock().toISOString(),
    authorities: isRootExternal
      ? [issuing]
      : [root, { ...issuing, issuedBy: 'root', serialNumber: toHex(randomSerialNumber()) }],
  }
}

/** A reservation under a planned number was left by a start that died while signing: its bytes may exist, so the number is given up for another. */
async function replan(context: IssueContext, options: BootstrapOptions, plan: FleetDocument): Promise<FleetDocument> {
  const rootKey = await options.keyrings.root.open('root')
  let changed = false
  const authorities: AuthorityRecord[] = []
  for (const planned of plan.authorities) {
    if (planned.serialNumber === undefined) authorities.push(planned)
    else {
      const serialNumber = await usableSerialNumber(context, rootKey?.publicKey, planned.serialNumber)
      changed ||= serialNumber !== planned.serialNumber
      authorities.push({ ...planned, serialNumber })
    }
  }
  return changed ? { ...plan, authorities } : plan
}

/** Keys without a record of them: the store was lost or swapped. */
async function refuseLostStore(keyrings: AuthorityKeyrings): Promise<void> {
  for (const [keyring, name] of [
    [keyrings.root, 'root'],
    [keyrings.issuing, 'ca'],
  ] as const) {
    if ((await keyring.list()).includes(name)) throw new PkiError('ERR_PKI_STORE_LOST', {})
  }
}

/** @param next the document, and the version that it will be */
async function put({ store, clock }: IssueContext, next: FoundDocument, lease: Lease): Promise<void> {
  const { document, version } = next
  const events = document.phase === 'ready' ? [{ type: 'fleetCreated', at: clock() } as const] : []
  const value = encodeFleetDocument(document)
  const put = await store.putDocument(fleetDocumentName, value, version - 1, events, { lease })
  if (!put) throw new PkiError('ERR_PKI_BOOTSTRAP_BUSY', {})
}

/** The roots first: they sign the others. One that another's root will sign gets its key alone. */
async function makeAuthorities(
  context: IssueContext,
  options: BootstrapOptions,
  plan: FleetDocument,
): Promise<readonly AuthorityRecord[]> {
  // Named as it was planned, whatever this start says.
  const { organization: _, ...others } = options
  const made: AuthorityOptions =
    plan.organization === undefined ? others : { ...others, organization: plan.organization }
  const parents = new Map<string, SigningCa>()
  const records: AuthorityRecord[] = []
  for (const planned of plan.authorities) {
    const { issuedBy } = planned
    if (issuedBy === undefined) {
      await openAuthorityKey(planned, made)
      records.push(planned)
      continue
    }
    const parent = parents.get(issuedBy)
    if (planned.role !== 'root' && parent === undefined) {
      throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document names no root' })
    }
    const { record, ca } = await makeAuthority(context, made, planned, parent)
    parents.set(ca.keyName, ca)
    records.push({ ...record, state: 'active' })
  }
  return records
}
