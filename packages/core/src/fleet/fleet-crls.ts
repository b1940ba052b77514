import { type IoOptions, PkiError } from '@fleetcert/x509'
import { type CrlIssuer, createCrlIssuer } from '../revocation/crl-issuer.ts'
import type { CrlName, CrlScope } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import type { SignedCrl } from './fleet.ts'

/** The CRLs of all of a fleet's CAs. */
export interface FleetCrls {
  /** @throws PkiError `ERR_PKI_ISSUER_UNKNOWN`, `ERR_PKI_CRL_UNKNOWN`, and what making one rejects. */
  current(name: CrlName, options?: IoOptions): Promise<SignedCrl>
  /** Every shard that is published, with its issuer. */
  published(): readonly { readonly issuer: CrlIssuer; readonly shard: number }[]
}

export function createFleetCrls(parts: FleetParts & { readonly closed: AbortSignal }): FleetCrls {
  const { store, holder, clock, publisher, formerPublishers } = parts
  const publishers = publisher === undefined ? [] : [publisher, ...formerPublishers]
  const onFailure = (scope: CrlScope, error: unknown): void => parts.onWarning({ type: 'crlOutdated', ...scope, error })

  const crls = new Map(
    parts.authorities.map(({ role, issuer }) => {
      const isRoot = role === 'root'
      const made = createCrlIssuer({
        store,
        issuer,
        instance: holder.instance,
        clock,
        times: isRoot ? parts.rootTimes : parts.times,
        deltaTimes: isRoot ? undefined : parts.deltaTimes,
        urls: shard => (parts.distributionPointInCrl ? publishers.flatMap(each => each.crl(issuer.keyId, shard)) : []),
        deltaUrls: shard => publisher?.deltaCrl(issuer.keyId, shard) ?? [],
        certificatesAreCas: isRoot,
        settings: parts.crlSettings,
        closed: parts.closed,
        onFailure,
      })
      const shards = isRoot ? 1 : parts.publishedShards
      return [issuer.keyId, { issuer: made, shards, hasDelta: !isRoot && parts.deltaTimes !== undefined }] as const
    }),
  )

  return {
    async current({ issuerKeyId, shard, delta = false }, options) {
      const found = crls.get(issuerKeyId)
      if (found === undefined) throw new PkiError('ERR_PKI_ISSUER_UNKNOWN', { issuerKeyId })
      const isShard = Number.isSafeInteger(shard) && shard >= 0 && shard < found.shards
      if (!isShard || (delta && !found.hasDelta))
        throw new PkiError('ERR_PKI_CRL_UNKNOWN', { issuerKeyId, shard, delta })
      return found.issuer.current({ shard, delta }, options)
    },
    published: () =>
      [...crls.values()].flatMap(({ issuer, shards }) =>
        Array.from({ length: shards }, (_, shard) => ({ issuer, shard })),
      ),
  }
}
