import type { RenewalEvents } from './renewal-events.ts'
import type { Validity } from './renewal-time.ts'

/** Tells when the end of a certificate comes near. */
export interface ExpiryWatch {
  look(certificate: Validity & { readonly fingerprint: string }, now: Date): void
}

/** When there is less than these parts of the lifetime left. */
const thresholds = [1 / 6, 1 / 12, 0]

/** Makes a watch that emits `expiring` once for each threshold of each certificate. */
export function createExpiryWatch(emit: (event: 'expiring', value: RenewalEvents['expiring']) => void): ExpiryWatch {
  let watched: string | undefined
  let told = 0
  return {
    look({ fingerprint, notBefore, notAfter }, now) {
      if (watched !== fingerprint) {
        watched = fingerprint
        told = 0
      }
      const remainingSeconds = Math.max(0, (notAfter.getTime() - now.getTime()) / 1000)
      const lifetimeSeconds = (notAfter.getTime() - notBefore.getTime()) / 1000
      const reached = thresholds.filter(part => remainingSeconds <= lifetimeSeconds * part).length
      if (reached <= told) return
      told = reached
      emit('expiring', { notAfter, remainingSeconds })
    },
  }
}
