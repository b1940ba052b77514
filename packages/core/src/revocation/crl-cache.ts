import type { SignedCrl } from '../fleet/fleet.ts'
import type { CrlHead, CrlName } from '../store/store.ts'

/** What is kept of one CA's CRLs at the most, beside the one that was asked for last. */
const octetsKept = 64 * 1024 * 1024

/** CRLs that were read or made lately: a list of 49 MB is not read again for each who asks. */
export interface CrlCache {
  /** The CRL of that name, if it is still the one of that head. */
  get(name: CrlName, head: CrlHead): SignedCrl | undefined
  put(name: CrlName, crl: SignedCrl): SignedCrl
  /** The same as `get`, but it is kept no longer: two large ones at a time are enough. */
  take(name: CrlName, head: CrlHead): SignedCrl | undefined
}

export function createCrlCache(): CrlCache {
  /** The one that was asked for last stands last. */
  const kept = new Map<string, { readonly crl: SignedCrl; readonly size: number }>()
  let octets = 0
  const drop = (key: string): void => {
    octets -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }
  return {
    get(name, head) {
      const key = keyOf(name)
      const found = kept.get(key)
      // The time as well as the number: a store that was restored from a backup counts some numbers a second time.
      const isSame =
        found?.crl.crlNumber === head.crlNumber && found.crl.thisUpdate.getTime() === head.thisUpdate.getTime()
      if (found === undefined || !isSame) return undefined
      kept.delete(key)
      kept.set(key, found)
      return found.crl
    },
    take(name, head) {
      const found = this.get(name, head)
      drop(keyOf(name))
      return found
    },
    put(name, crl) {
      const key = keyOf(name)
      drop(key)
      const size = crl.parts.reduce((sum, { length }) => sum + length, 0)
      kept.set(key, { crl, size })
      octets += size
      for (const oldest of kept.keys()) {
        if (octets <= octetsKept || oldest === key) break
        drop(oldest)
      }
      return crl
    },
  }
}

function keyOf({ shard, delta = false }: CrlName): string {
  return `${shard}.${delta}`
}
