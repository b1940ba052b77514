import type { CrlHead, CrlParts, Holder, Revocation } from '../store.ts'

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

// What is kept is nobody else's: everything is copied on the way in and on the way out, so that no caller can change a stored byte or date.

/** A copy that is a plain Uint8Array, whatever the source was (`Buffer.prototype.slice` would share memory). */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

export function copyDate(date: Date): Date {
  return new Date(date.getTime())
}

export function copyRevocation(revocation: Revocation): Revocation {
  return {
    revocationDate: copyDate(revocation.revocationDate),
    reason: revocation.reason,
    ...(revocation.invalidityDate && { invalidityDate: copyDate(revocation.invalidityDate) }),
  }
}

export function copyHolder(holder: Holder): Holder {
  return { instance: holder.instance, leaseUntil: copyDate(holder.leaseUntil) }
}

export function copyCrlHead(crl: CrlHead): CrlHead {
  return {
    crlNumber: crl.crlNumber,
    thisUpdate: copyDate(crl.thisUpdate),
    nextUpdate: copyDate(crl.nextUpdate),
    ...(crl.note !== undefined && { note: crl.note }),
  }
}

const partsPerTurn = 4

/** Made without holding the event loop: the list of a million certificates is some 40 MB. */
export async function copyCrl(crl: CrlParts): Promise<CrlParts> {
  const head = copyCrlHead(crl)
  const parts: Uint8Array[] = []
  for (const part of crl.parts) {
    if (parts.length > 0 && parts.length % partsPerTurn === 0) await new Promise(resolve => setImmediate(resolve))
    parts.push(copyBytes(part))
  }
  return { ...head, parts }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}
