import { PkiError } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'
import { decodeFleetDocument, encodeFleetDocument, type FleetDocument, fleetDocumentName } from './fleet-document.ts'

type Ready = Extract<FleetDocument, { phase: 'ready' }>

/**
 * Remembers where the fleet publishes. As long as every certificate names the same place, the CRL's IDP names it, too. Once there are certificates that name another place or none, it must not:
 * to them a CRL with that URL has a different scope (OpenSSL's error 44). The one full CRL is complete for all, so from then on its IDP says onlyContainsUserCerts.
 * CRLs in shards are not: their IDP names every place that a certificate may name.
 * @throws PkiError `ERR_PKI_CRL_SHARDS` where certificates in shards would name no place any more.
 */
export async function recordPublishing(
  store: Store,
  clock: () => Date,
  document: Ready,
  baseUrl: string | undefined,
): Promise<Ready> {
  let current = document
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (current.baseUrl === (baseUrl ?? null)) return current
    const found = await store.document(fleetDocumentName)
    const stored = found === undefined ? undefined : decodeFleetDocument(found.value)
    if (found === undefined || stored?.phase !== 'ready') break
    current = stored
    if (current.baseUrl === (baseUrl ?? null)) return current
    const next: Ready = {
      ...current,
      baseUrl: baseUrl ?? null,
      ...((current.crlShards ?? 1) > 1
        ? { formerBaseUrls: formerBaseUrls(current, baseUrl) }
        : { distributionPointInCrl: current.baseUrl === undefined && (current.distributionPointInCrl ?? true) }),
    }
    const event = { type: 'settingsChanged', at: clock(), details: { setting: 'publish.baseUrl' } } as const
    if (await store.putDocument(fleetDocumentName, encodeFleetDocument(next), found.version, [event])) return next
  }
  throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'the fleet document changes all the time' })
}

function formerBaseUrls({ baseUrl: before, formerBaseUrls = [] }: Ready, baseUrl: string | undefined): string[] {
  if (baseUrl === undefined) {
    throw new PkiError('ERR_PKI_CRL_SHARDS', { reason: 'without publish.baseUrl no certificate would name its CRL' })
  }
  const all = typeof before === 'string' ? [...formerBaseUrls, before] : formerBaseUrls
  return [...new Set(all)].filter(url => url !== baseUrl)
}
