import { type IoOptions, isPkiError } from '@fleetcert/x509'
import { type Candidate, toCandidate } from './candidate.ts'
import type { Fetcher } from './create-fetcher.ts'
import { type CrlEvidence, toCrlEvidence } from './crl-evidence.ts'
import type { Budget } from './limits.ts'

/** What a call of `verifyPath` gets from elsewhere; every address is asked once. */
export interface EvidenceFetcher {
  /** CRLs of a certificate's crlDistributionPoints, put into `into`; whether there was an address that may be asked. */
  crls(certificate: Candidate, into: CrlEvidence[], options: IoOptions): Promise<boolean>
  /** The issuers that a certificate's authorityInfoAccess names. */
  issuers(certificate: Candidate, options: IoOptions): Promise<Candidate[]>
}

export function createEvidenceFetcher(fetcher: Fetcher, budget: Budget): EvidenceFetcher {
  /** By address: whether it may be asked. */
  const asked = new Map<string, boolean>()

  /** What stands at an address; `undefined` where nothing can be had. */
  const get = async (url: string, options: IoOptions): Promise<Uint8Array | undefined> => {
    if (asked.has(url)) return undefined
    budget.spend('fetches')
    asked.set(url, true)
    try {
      const octets = await fetcher(url, options)
      asked.set(url, octets !== undefined)
      // What it may not ask, it has not asked.
      if (octets === undefined) budget.spend('fetches', -1)
      return octets
    } catch (error) {
      if (isPkiError(error, 'ERR_PKI_FETCH')) return undefined
      throw error
    }
  }

  return {
    async crls({ certificate }, into, options) {
      const urls = certificate.crlDistributionPoints ?? []
      for (const url of urls) {
        const octets = await get(url, options)
        if (octets === undefined) continue
        budget.spend('revocationData')
        budget.spend('revocationBytes', octets.length)
        const evidence = readable(() => toCrlEvidence(octets))
        if (evidence !== undefined) into.push(evidence)
      }
      return urls.some(url => asked.get(url) === true)
    },
    async issuers({ certificate }, options) {
      const found: Candidate[] = []
      for (const url of certificate.authorityInfoAccess?.caIssuers ?? []) {
        const octets = await get(url, options)
        if (octets === undefined) continue
        budget.spend('certificates')
        budget.spend('certificateBytes', octets.length)
        const candidate = readable(() => toCandidate(octets))
        if (candidate !== undefined) found.push(candidate)
      }
      return found
    },
  }
}

/** What a server sends may be anything: unreadable, it is no evidence. */
function readable<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (isPkiError(error)) return undefined
    throw error
  }
}
