import { PkiError } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'
import {
  encodeFleetDocument,
  type FleetDocument,
  type FoundDocument,
  findFleetDocument,
  fleetDocumentName,
} from './fleet-document.ts'

export interface CrlSettings {
  /** Over which new certificates are spread. */
  readonly shards: number
  readonly delta: boolean
  readonly baseUrl: string | undefined
}

/**
 * Remembers in how many shards certificates were ever issued: a CRL is published for each of them as long as the fleet lives. Resolves the fleet's document.
 *
 * With several shards every CRL must name its URL in the IDP, or it would claim to list all certificates (RFC 5280 section 5.2.5). So there may be several only where every certificate names one.
 * @throws PkiError `ERR_PKI_CRL_SHARDS`
 */
export async function recordCrlSettings(
  store: Store,
  clock: () => Date,
  { shards, delta, baseUrl }: CrlSettings,
): Promise<FoundDocument> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const found = await findFleetDocument(store)
    if (found?.document.phase !== 'ready') break
    const { document, version } = found
    const { crlShards = 1, deltaCrl = false } = document
    const most = Math.max(crlShards, shards)
    if (most > 1) assertUrls(document, baseUrl)
    if (most === crlShards && delta === deltaCrl) return found
    const next = { ...document, crlShards: most, deltaCrl: delta, crlVersion: version + 1 }
    const event = { type: 'settingsChanged', at: clock(), details: { setting: 'crl' } } as const
    if (await store.putDocument(fleetDocumentName, encodeFleetDocument(next), version, [event])) {
      return { document: next, version: version + 1 }
    }
  }
  throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'the fleet document changes all the time' })
}

function assertUrls({ distributionPointInCrl = true }: FleetDocument, baseUrl: string | undefined): void {
  if (baseUrl === undefined) {
    throw new PkiError('ERR_PKI_CRL_SHARDS', { reason: 'without publish.baseUrl no certificate would name its CRL' })
  }
  if (!distributionPointInCrl) {
    throw new PkiError('ERR_PKI_CRL_SHARDS', {
      reason: 'there are certificates that name no CRL, or one at another base URL',
    })
  }
}
