import { PkiError, toHex } from '@fleetcert/x509'
import { randomSerialNumber } from '../../authority/serial-number.ts'
import type { FleetEventInput } from '../../store/store.ts'
import type { FleetDocument } from '../fleet-document.ts'
import type { AuthorityRecord, AuthorityState } from './authority-record.ts'
import type { IssuerChange } from './fleet-issuers.ts'
import { type Authority, type IssuerSet, isTrusted } from './issuer-set.ts'
import type { RolloverRecord } from './rollover-record.ts'

/** Which CAs a rollover adds. */
export interface RolloverPlan {
  readonly scope: RolloverRecord['scope']
  /** Of the CAs that are in use: signs the new issuing CA where there is no new root; `undefined` where another's root will. */
  readonly root: Authority | undefined
  /** Whether old and new root certify each other. */
  readonly isCrossCertified: boolean
  /** The first generation whose key names are free. */
  readonly generation: number
}

/** The document with the CAs of `plan` on record, before any of their keys is made. */
export function planned({ document }: IssuerSet, plan: RolloverPlan, at: Date): IssuerChange {
  const { generation, root } = plan
  const rootName = plan.scope === 'root' ? `root-${generation}` : root?.record.keyName
  const serial = (): string => toHex(randomSerialNumber())
  const crossOf = (issuedBy: string | undefined): Pick<AuthorityRecord, 'plannedCross'> =>
    plan.isCrossCertified && issuedBy !== undefined ? { plannedCross: { issuedBy, serialNumber: serial() } } : {}
  const added: AuthorityRecord[] = []
  if (plan.scope === 'root' && rootName !== undefined) {
    added.push({
      role: 'root',
      state: 'planned',
      keyring: 'root',
      keyName: rootName,
      generation,
      issuedBy: rootName,
      serialNumber: serial(),
      ...crossOf(root?.record.keyName),
    })
  }
  added.push({
    role: 'issuingCa',
    state: 'planned',
    keyring: 'issuing',
    keyName: `ca-${generation}`,
    generation,
    ...(rootName === undefined ? {} : { issuedBy: rootName, serialNumber: serial() }),
  })
  const authorities = document.authorities.map(record =>
    plan.scope === 'root' && record === root?.record && plan.isCrossCertified
      ? { ...record, ...crossOf(rootName) }
      : record,
  )
  const since = at.toISOString()
  const rollover: RolloverRecord = { scope: plan.scope, phase: 'announcing', since, startedAt: since }
  return changed({ ...document, authorities: [...authorities, ...added], rollover }, at)
}

/** The document with every CA in its next state, and the rollover in its next phase. */
export function stepped(
  { document }: IssuerSet,
  phase: RolloverRecord['phase'],
  at: Date,
  next: (record: AuthorityRecord) => AuthorityState | undefined,
): IssuerChange {
  const since = at.toISOString()
  const authorities = document.authorities.map((record): AuthorityRecord => {
    // What was planned and not made by now is given up with the step.
    const { plannedCross: _, ...rest } = record
    const state = next(record)
    return state === undefined || state === record.state ? rest : { ...rest, state, since }
  })
  const startedAt = document.rollover?.startedAt ?? since
  const scope = document.rollover?.scope ?? 'issuingCa'
  return changed({ ...document, authorities, rollover: { scope, phase, since, startedAt } }, at)
}

/** A change of the document, and what the ledger says of it. */
export function changed(document: FleetDocument, at: Date, details: FleetEventInput['details'] = {}): IssuerChange {
  const { rollover } = document
  const phase = rollover === undefined ? {} : { rollover: rollover.phase }
  return { document, events: [{ type: 'issuersChanged', at, details: { ...phase, ...details } }] }
}

/** What `issue` makes of each CA. */
export function stateWhenIssuing(scope: RolloverRecord['scope']): (record: AuthorityRecord) => AuthorityState {
  return ({ role, state }) => {
    if (state === 'announced') return 'active'
    if (state !== 'active') return state
    return role === 'issuingCa' || scope === 'root' ? 'retiring' : 'active'
  }
}

/** The CAs that go when the rollover ends: not one that was adopted, which ends by itself, and not what is above one that stays. */
export function goingWithRollover({ authorities, find }: IssuerSet): ReadonlySet<AuthorityRecord> {
  const going = new Set(authorities.filter(({ role, state }) => state === 'retiring' && role !== 'adoptedCa'))
  const staying = authorities.filter(each => isTrusted(each) && !going.has(each))
  for (const { record } of staying) {
    const above = find(record.own.id.issuerKeyId)
    if (above !== undefined && going.delete(above)) staying.push(above)
  }
  return new Set([...going].map(({ record }) => record))
}

/** @throws PkiError `ERR_PKI_ROLLOVER` */
export function refuse(reason: string): never {
  throw new PkiError('ERR_PKI_ROLLOVER', { reason })
}
