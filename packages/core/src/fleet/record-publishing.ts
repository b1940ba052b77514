import { PkiError } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'
import { encodeFleetDocument, type FleetDocument, findFleetDocument, fleetDocumentName } from './fleet-document.ts'

/**
 * Remembers where the fleet publishes. As long as every certificate names the same place, the CRL's IDP names it, too. Once there are certificates that name another place or none, it must not:
 * to them a CRL with that URL has a different scope (OpenSSL's error 44). The one full CRL is complete for all, so from then on its IDP says onlyContainsUserCerts.
 * CRLs in shards are not: their IDP names every place that a certificate may name.
 * @throws PkiError `ERR_PKI_CRL_SHARDS` where certificates in shards would name no place any more.
 */
export async function recordPublishing(
  store: Store,
  clock: () => Date,
  document: FleetDocument,
  baseUrl: string | undefined,
): Promise<void> {
  if (document.baseUrl === (baseUrl ?? null)) return
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const found = await findFleetDocument(store)
    if (found?.document.phase !== 'ready') break
    const { document: current, version } = found
    if (current.baseUrl === (baseUrl ?? null)) return
    const next: FleetDocument = {
      ...current,
      baseUrl: baseUrl ?? null,
      crlVersion: version + 1,
      ...((current.crlShards ?? 1) > 1
        ? { formerBaseUrls: formerBaseUrls(current, baseUrl) }
        : { distributionPointInCrl: current.baseUrl === undefined && (current.distributionPointInCrl ?? true) }),
    }
    const event = { type: 'settingsChanged', at: clock(), details: { setting: 'publish.baseUrl' } } as const
    if (await store.putDocument(fleetDocumentName, encodeFleetDocument(next), version, [event])) return
  }
  throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'the fleet document changes all the time' })
}

function formerBaseUrls(
  { baseUrl: before, formerBaseUrls = [] }: FleetDocument,
  baseUrl: string | undefined,
): string[] {
  if (baseUrl === undefined) {
    throw new PkiError('ERR_PKI_CRL_SHARDS', { reason: 'without publish.baseUrl no certificate would name its CRL' })
  }
  const all = typeof before === 'string' ? [...formerBaseUrls, before] : formerBaseUrls
  return [...new Set(all)].filter(url => url !== baseUrl)
}
