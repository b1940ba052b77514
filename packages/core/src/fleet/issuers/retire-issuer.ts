import { checkNames, PkiError } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { FleetParts } from '../create-fleet.ts'
import type { AuthorityRecord } from './authority-record.ts'
import type { IssuerOperations } from './issuer-operations.ts'
import type { Authority, IssuerSet } from './issuer-set.ts'
import { assertUnused, othersHaveHeard, type Rollover } from './rollover.ts'
import { changed } from './rollover-plan.ts'

/** Makes `fleet.retireIssuer`. */
export function createIssuerRetirement(
  parts: FleetParts,
  { alone }: Pick<Rollover, 'alone'>,
): IssuerOperations['retireIssuer'] {
  const { store, clock, issuers } = parts
  return async (issuerKeyId, request = {}, options) => {
    checkNames<{ readonly force?: boolean }>('retireIssuer', request, { force: true })
    await alone(async lease => {
      const now = await checkedNow(store, clock, options)
      const set = await issuers.read(options)
      const authority = set.find(issuerKeyId)
      if (authority === undefined) throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
      if (authority.state === 'retired' || authority.state === 'revoked') return
      const isEnding =
        authority.state === 'retiring' && authority.role !== 'root' && authority.role !== 'intermediateCa'
      if (!isEnding) {
        throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: authority.issuer.certificate.serialNumber })
      }
      if (authority.role === 'issuingCa') await othersHaveHeard(authority.record.since, now, options)
      if (request.force !== true) await assertUnused(parts, set, record => record === authority.record, options)
      await issuers.change(
        current => {
          const found = current.find(issuerKeyId)
          if (found === undefined) return undefined
          const going = new Set<AuthorityRecord>([found.record, ...foreignAbove(current, found)])
          const since = now.toISOString()
          const authorities = current.document.authorities.map(
            (record): AuthorityRecord => (going.has(record) ? { ...record, state: 'retired', since } : record),
          )
          return changed({ ...current.document, authorities }, now, { retired: issuerKeyId })
        },
        { ...options, lease },
      )
    })
  }
}

/** The CAs of others above one that goes which are there for nobody else. */
function foreignAbove(set: IssuerSet, going: Authority): readonly AuthorityRecord[] {
  const gone = new Set<Authority>([going])
  for (const below of gone) {
    const above = set.find(below.record.own.id.issuerKeyId)
    if (above === undefined || above.record.keyName !== undefined || above.state !== 'retiring') continue
    const isNeeded = set.authorities.some(
      each =>
        each !== above &&
        !gone.has(each) &&
        each.state !== 'retired' &&
        each.record.own.id.issuerKeyId === above.issuer.keyId,
    )
    if (!isNeeded) gone.add(above)
  }
  gone.delete(going)
  return [...gone].map(({ record }) => record)
}
