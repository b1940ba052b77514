import { type IoOptions, PkiError } from '@fleetcert/x509'
import { type CrlIssuer, createCrlIssuer } from '../revocation/crl-issuer.ts'
import { toSignedCrl } from '../revocation/crl-signed.ts'
import type { CrlName, CrlScope } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import type { SignedCrl } from './fleet.ts'
import { type Authority, isAnchor } from './issuers/issuer-set.ts'

/** The CRLs of all of a fleet's CAs. */
export interface FleetCrls {
  /** @throws PkiError `ERR_PKI_ISSUER_UNKNOWN`, `ERR_PKI_CRL_UNKNOWN`, and what making one rejects. */
  current(name: CrlName, options?: IoOptions): Promise<SignedCrl>
  /** Every shard that is published as of now, with its issuer: the same objects at each call. */
  published(): readonly PublishedShard[]
}

/** A shard, and who signs its CRLs. */
export interface PublishedShard {
  readonly issuer: CrlIssuer
  readonly shard: number
}

interface CrlsOfCa {
  readonly issuer: CrlIssuer
  readonly shards: readonly PublishedShard[]
  readonly hasDelta: boolean
}

export function createFleetCrls(parts: FleetParts & { readonly closed: AbortSignal }): FleetCrls {
  // CRLs say what is on record of each certificate: what became of its issuer, others say.
  const { recordStore: store, holder, clock, publisher, formerPublishers, issuers } = parts
  const publishers = publisher === undefined ? [] : [publisher, ...formerPublishers]
  const onFailure = (scope: CrlScope, error: unknown): void => parts.onWarning({ type: 'crlOutdated', ...scope, error })
  const crls = new Map<string, CrlsOfCa>()

  const crlsOf = (authority: Authority): CrlsOfCa => {
    const { role, issuer } = authority
    let found = crls.get(issuer.keyId)
    if (found !== undefined) return found
    const isRoot = role === 'root'
    // What an adopted CA has issued names no CRL of ours: one full CRL is for all of it.
    const hasUrls = role === 'issuingCa'
    const deltaTimes = hasUrls ? parts.deltaTimes : undefined
    const made = createCrlIssuer({
      store,
      issuer,
      instance: holder.instance,
      clock,
      times: isRoot ? parts.rootTimes : parts.times,
      deltaTimes,
      urls: shard =>
        hasUrls && parts.distributionPointInCrl ? publishers.flatMap(each => each.crl(issuer.keyId, shard)) : [],
      deltaUrls: shard => publisher?.deltaCrl(issuer.keyId, shard) ?? [],
      about: isRoot ? 'cas' : isAnchor(authority) ? 'all' : 'endEntities',
      settings: parts.crlSettings,
      closed: parts.closed,
      onFailure,
    })
    const shards = Array.from({ length: hasUrls ? parts.publishedShards : 1 }, (_, shard) => ({ issuer: made, shard }))
    found = { issuer: made, shards, hasDelta: deltaTimes !== undefined }
    crls.set(issuer.keyId, found)
    return found
  }

  /** Another's CA signs its own: the last one that was imported. */
  const importedCrl = async (name: CrlName, options?: IoOptions): Promise<SignedCrl> => {
    const { issuerKeyId, shard, delta = false } = name
    const isOne = shard === 0 && !delta
    const found = isOne ? await store.crl({ issuerKeyId, shard }, options) : undefined
    if (found === undefined) throw new PkiError('ERR_PKI_CRL_UNKNOWN', { issuerKeyId, shard, delta })
    return toSignedCrl(name, found)
  }

  return {
    async current({ issuerKeyId, shard, delta = false }, options) {
      const authority = (await issuers.fresh(options)).find(issuerKeyId)
      if (authority === undefined) throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
      if (authority.record.keyName === undefined) return importedCrl({ issuerKeyId, shard, delta }, options)
      const found = crlsOf(authority)
      const isShard = Number.isSafeInteger(shard) && shard >= 0 && shard < found.shards.length
      if (!isShard || (delta && !found.hasDelta))
        throw new PkiError('ERR_PKI_CRL_UNKNOWN', { issuerKeyId, shard, delta })
      return found.issuer.current({ shard, delta }, options)
    },
    // A retired CA's key may be destroyed, a revoked one's is not to be used without being asked.
    published: () =>
      issuers.current.authorities
        .filter(({ record, state }) => record.keyName !== undefined && state !== 'retired' && state !== 'revoked')
        .flatMap(authority => crlsOf(authority).shards),
  }
}
