import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CrlParts } from '@fleetcert/core'

const partsPerTurn = 4

/** A CRL of its own for the thread that writes it, made without holding the event loop: the list of a million certificates is some 40 MB. */
export async function copyCrl(
  crl: CrlParts,
): Promise<{ readonly crl: CrlParts; readonly buffers: readonly ArrayBuffer[] }> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (const part of crl.parts) {
    if (parts.length > 0 && parts.length % partsPerTurn === 0) await nextTurn()
    parts.push(new Uint8Array(part))
  }
  return { crl: { ...crl, parts }, buffers: parts.map(part => part.buffer) }
}
