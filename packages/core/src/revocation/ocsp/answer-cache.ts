import type { OcspCertificateStatus } from '@fleetcert/x509'
import type { AuthoritativeOcspAnswer } from './ocsp-answer.ts'

/** A signed answer about one certificate, and what it was signed from. */
export interface CachedAnswer {
  readonly answer: AuthoritativeOcspAnswer
  readonly status: OcspCertificateStatus
  /** Milliseconds since 1970: from then on it is not given out any more. */
  readonly freshUntil: number
}

/** Octets that an entry costs beside its key and its answer: Map, objects, dates, headers of both strings and arrays. Measured at about 600. */
const overheadOctets = 640

/** Signed answers by CertID, the least recently used dropped first, bounded by octets. */
export interface AnswerCache {
  readonly bytes: number
  readonly size: number
  get(key: string): CachedAnswer | undefined
  set(key: string, entry: CachedAnswer): void
  delete(key: string): void
  clear(): void
}

export function createAnswerCache(maxBytes: number): AnswerCache {
  // A Map keeps the order of insertion: what is used again is put in again.
  const entries = new Map<string, CachedAnswer>()
  let bytes = 0
  const drop = (key: string): void => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    bytes -= costOf(key, entry)
  }
  return {
    get bytes() {
      return bytes
    },
    get size() {
      return entries.size
    },
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry
    },
    set(key, entry) {
      drop(key)
      const cost = costOf(key, entry)
      if (cost > maxBytes) return
      entries.set(key, entry)
      bytes += cost
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) break
        drop(oldest)
      }
    },
    delete: drop,
    clear() {
      entries.clear()
      bytes = 0
    },
  }
}

/** The whole buffer behind an answer counts, not the view of it alone. */
function costOf(key: string, { answer }: CachedAnswer): number {
  return overheadOctets + key.length + answer.der.buffer.byteLength
}
