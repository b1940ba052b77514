import { checkNames, type IoOptions, PkiError } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { EnforcementQueue } from '../../revocation/enforcement-queue.ts'
import type { FleetEventInput, Lease, Revocation } from '../../store/store.ts'
import { currentCertificate } from '../current-certificate.ts'
import { statusAt } from '../device-record.ts'
import { countEnforcements, type EnforcementCounter } from '../enforcement-count.ts'
import { listAll } from '../list-all.ts'
import { eventOf, revocationOf } from '../revocation-request.ts'
import type { AuthorityRecord, AuthorityState } from './authority-record.ts'
import type { IssuerOperations, RevokeIssuerRequest } from './issuer-operations.ts'
import type { Authority, IssuerSet } from './issuer-set.ts'
import { type Rollover, type RolloverParts, rootOf } from './rollover.ts'
import { changed, type RolloverPlan, stateWhenIssuing } from './rollover-plan.ts'

const day = 86_400
const longestSeconds = 10 * 365 * day
const pageSize = 500

export interface IssuerRevokerParts extends RolloverParts {
  readonly queue: EnforcementQueue
  readonly rollover: Pick<Rollover, 'alone' | 'prepare'>
}

/** Makes `fleet.revokeIssuer`. */
export function createIssuerRevoker(parts: IssuerRevokerParts): IssuerOperations['revokeIssuer'] {
  const { store, recordStore, clock, issuers, rollover } = parts

  /** Another CA in the place of one that issues: the one that was announced, or one that is made now. */
  const successorOf = async (
    issuing: Authority,
    affected: ReadonlySet<AuthorityRecord>,
    lease: Lease,
    options?: IoOptions,
  ): Promise<string> => {
    const find = (set: IssuerSet): Authority | undefined =>
      set.authorities.find(
        ({ role, state, record }) => role === 'issuingCa' && state === 'announced' && !affected.has(record),
      )
    const announced = find(issuers.current)
    if (announced !== undefined) {
      await announced.issuer.signer()
      return announced.issuer.keyId
    }
    const root = rootOf(issuers.current, issuing)
    // Before anything is recorded: where the root is away there is no successor, and what issues must go on.
    if (root?.record.keyName === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: 'root' })
    await root.issuer.signer()
    const plan: Omit<RolloverPlan, 'generation'> = { scope: 'issuingCa', root, isCrossCertified: false }
    const made = find(await rollover.prepare(plan, lease, options))
    if (made === undefined) throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the new issuing CA is not there' })
    return made.issuer.keyId
  }

  const end = async (
    issuerKeyId: string,
    revocation: Revocation,
    renewableUntil: Date,
    lease: Lease,
    options?: IoOptions,
  ): Promise<Authority> => {
    const set = await issuers.read(options)
    const authority = set.find(issuerKeyId)
    if (authority === undefined) throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
    if (authority.state === 'revoked') return authority
    const affected = new Set(withThoseBelow(set, authority).map(({ record }) => record))
    let successor: string | undefined
    if (set.issuing !== undefined && affected.has(set.issuing.record)) {
      if (authority !== set.issuing) {
        throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: authority.issuer.certificate.serialNumber })
      }
      successor = await successorOf(authority, affected, lease, options)
    }
    const revoked = await issuers.change(
      current => {
        const since = revocation.revocationDate.toISOString()
        const gone = new Set(withThoseBelow(current, authority).map(({ issuer }) => issuer.keyId))
        const keyOf = new Map(current.authorities.map(({ record, issuer }) => [record, issuer.keyId]))
        const { rollover: last } = current.document
        // An announcement that has become the successor is a rollover that issues; what is left of it is to retire.
        const isFollowed = successor !== undefined && last?.phase === 'announced'
        const next: (record: AuthorityRecord) => AuthorityState = isFollowed
          ? stateWhenIssuing(last.scope)
          : ({ state }) => state
        const authorities = current.document.authorities.map((record): AuthorityRecord => {
          const keyId = keyOf.get(record as Authority['record'])
          if (keyId === undefined) return record
          if (!gone.has(keyId)) {
            const state = keyId === successor ? 'active' : next(record)
            return state === record.state ? record : { ...record, state, since }
          }
          if (record.state === 'revoked') return record
          return {
            ...record,
            state: 'revoked',
            since,
            revocation: { revocationDate: since, reason: revocation.reason },
            renewableUntil: renewableUntil.toISOString(),
          }
        })
        return changed(
          {
            ...current.document,
            authorities,
            ...(isFollowed && { rollover: { ...last, phase: 'issuing', since } as const }),
          },
          revocation.revocationDate,
          { revoked: issuerKeyId, reason: revocation.reason },
        )
      },
      { ...options, lease },
    )
    return revoked.find(issuerKeyId) ?? authority
  }

  /** On the CRLs of those that have certified it, as soon as they sign. */
  const list = async ({ record }: Authority, revocation: Revocation, options?: IoOptions): Promise<void> => {
    for (const { id } of [record.own, ...(record.cross ?? [])]) {
      const event: FleetEventInput = { ...eventOf(revocation), certificate: id }
      const listed = await recordStore.revoke(id, revocation, [event], options)
      const by = issuers.current.find(id.issuerKeyId)
      // One that is self-signed, or another's, is on no CRL of ours; a root's key may be away.
      if (listed === undefined || by?.record.keyName === undefined || by.state === 'revoked') continue
      await parts.crls.current({ issuerKeyId: id.issuerKeyId, shard: 0 }, options).catch(() => {})
    }
  }

  /** Closes the sessions of those who have nothing better. What fails here the next authentication refuses all the same. */
  const silenceAll = async (ended: ReadonlySet<string>, counter: EnforcementCounter): Promise<void> => {
    const now = clock()
    const query = { list: 'created', from: new Date(0), before: new Date(now.getTime() + day * 1000) } as const
    for await (const record of listAll(recordStore, query, undefined, undefined, pageSize)) {
      const { deviceId, id } = record
      if (deviceId === undefined || !ended.has(id.issuerKeyId) || statusAt(record, now) !== 'active') continue
      const current = await currentCertificate(store, deviceId, now)
      if (current !== undefined && statusAt(current, now) === 'active') continue
      counter.add(deviceId, parts.queue.silence(deviceId))
    }
  }

  return async (issuerKeyId, request = {}, options) => {
    checkNames<RevokeIssuerRequest>('revokeIssuer', request, { reason: true, renewableSeconds: true })
    const { reason = 'cACompromise', renewableSeconds = 30 * day } = request
    const isSpan = Number.isSafeInteger(renewableSeconds) && renewableSeconds >= 0 && renewableSeconds <= longestSeconds
    if (!isSpan) throw new RangeError('renewableSeconds: expected a whole number from 0 to 10 years')
    if (reason === 'certificateHold') throw new TypeError('reason: a CA cannot be put on hold')
    const now = await checkedNow(store, clock, options)
    const revocation = revocationOf({ reason }, now)
    const until = new Date(now.getTime() + renewableSeconds * 1000)
    const ended = await rollover.alone(lease => end(issuerKeyId, revocation, until, lease, options))
    const { revocation: kept, renewableUntil } = ended.record
    const set = issuers.current
    const all = withThoseBelow(set, ended)
    const recorded: Revocation = { ...revocation, revocationDate: new Date(kept?.revocationDate ?? now) }
    for (const authority of all) await list(authority, recorded, options)
    const counter = countEnforcements()
    const looked =
      parts.enforcers.length === 0
        ? Promise.resolve()
        : silenceAll(new Set(all.map(({ issuer }) => issuer.keyId)), counter).catch(() => {})
    return {
      issuerKeyId,
      revocationDate: recorded.revocationDate,
      reason: kept?.reason ?? reason,
      issuingKeyId: set.issuing?.issuer.keyId ?? '',
      renewableUntil: new Date(renewableUntil ?? until),
      enforced: looked.then(() => counter.settled()),
    }
  }
}

/** A CA and those that lead to it alone. */
export function withThoseBelow(set: IssuerSet, authority: Authority): readonly Authority[] {
  const found = [authority]
  for (const above of found) {
    for (const each of set.authorities) {
      if (each.record.own.id.issuerKeyId === above.issuer.keyId && !found.includes(each)) found.push(each)
    }
  }
  return found
}
