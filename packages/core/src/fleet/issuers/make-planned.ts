import { type IoOptions, PkiError, parseCertificate } from '@fleetcert/x509'
import type { IssueContext } from '../../authority/issue.ts'
import type { Lease } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import type { AuthorityRecord } from './authority-record.ts'
import { crossCertify, makeAuthority, openAuthorityKey, type SigningCa, usableSerialNumber } from './make-authority.ts'
import { changed } from './rollover-plan.ts'

/** What planned CAs are made with. */
export interface PlannedParts extends FleetParts {
  readonly context: IssueContext
}

/** Whether a record is of the same key. */
export function isSame(record: AuthorityRecord): (other: AuthorityRecord) => boolean {
  return other => record.keyName !== undefined && other.keyName === record.keyName && other.keyring === record.keyring
}

/** Numbers under which a process that died may have signed are given up for others, on record before anything is signed again. */
export async function replan(parts: PlannedParts, lease: Lease, options?: IoOptions): Promise<void> {
  const { issuers, context, clock } = parts
  const records = issuers.current.document.authorities
  const keyOf = async (keyName: string | undefined): Promise<Uint8Array | undefined> => {
    const record = records.find(each => each.keyName === keyName && each.keyring === 'root')
    return record === undefined ? undefined : (await issuers.openKey(record))?.publicKey
  }
  let isOther = false
  const replanned: AuthorityRecord[] = []
  for (const record of records) {
    let next = record
    if (record.state === 'planned' && record.serialNumber !== undefined) {
      const key = await keyOf(record.issuedBy)
      const serialNumber = await usableSerialNumber(context, key, record.serialNumber)
      if (serialNumber !== record.serialNumber) next = { ...next, serialNumber }
    }
    if (record.plannedCross !== undefined) {
      const { issuedBy } = record.plannedCross
      const serialNumber = await usableSerialNumber(context, await keyOf(issuedBy), record.plannedCross.serialNumber)
      if (serialNumber !== record.plannedCross.serialNumber)
        next = { ...next, plannedCross: { issuedBy, serialNumber } }
    }
    isOther ||= next !== record
    replanned.push(next)
  }
  if (!isOther) return
  await issuers.change(({ document }) => changed({ ...document, authorities: replanned }, clock()), {
    ...options,
    lease,
  })
}

/** Keys, certificates, cross-certificates of what is planned; each that exists is taken as it is. */
export async function makePlanned({
  issuers,
  context,
  authorityOptions,
}: PlannedParts): Promise<readonly AuthorityRecord[]> {
  const records = issuers.current.document.authorities
  const cas = new Map<string, SigningCa>()
  /** A root that is there already, as a signer of others. */
  const existing = async (keyName: string): Promise<SigningCa> => {
    const record = records.find(each => each.role === 'root' && each.keyName === keyName && each.own !== undefined)
    const authority = issuers.current.authorities.find(each => each.record === record)
    if (authority === undefined) throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'a planned CA has no root' })
    return { keyName, certificate: authority.issuer.certificate, signer: await authority.issuer.signer() }
  }
  const made: AuthorityRecord[] = []
  for (const record of records) {
    if (record.state !== 'planned') continue
    if (record.issuedBy === undefined) {
      await openAuthorityKey(record, authorityOptions)
      made.push(record)
      continue
    }
    const isRoot = record.role === 'root'
    const parent = isRoot ? undefined : (cas.get(record.issuedBy) ?? (await existing(record.issuedBy)))
    const { record: own, ca } = await makeAuthority(context, authorityOptions, record, parent)
    cas.set(ca.keyName, ca)
    made.push({ ...own, state: 'announced', since: context.clock().toISOString() })
  }
  for (const record of records) {
    const { plannedCross, ...rest } = record
    if (plannedCross === undefined) continue
    const by = cas.get(plannedCross.issuedBy) ?? (await existing(plannedCross.issuedBy))
    const index = made.findIndex(isSame(record))
    const subject = made[index] ?? rest
    const certificate = parseCertificate(Buffer.from(subject.own!.certificate, 'base64'))
    const cross = await crossCertify(context, authorityOptions, certificate, by, plannedCross.serialNumber)
    const crossed = { ...subject, cross: [...(rest.cross ?? []), cross] }
    if (index === -1) made.push(crossed)
    else made[index] = crossed
  }
  return made
}
