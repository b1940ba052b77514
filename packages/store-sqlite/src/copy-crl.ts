import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CrlHead, CrlParts } from '@fleetcert/core'
import { storeCorrupt } from './store-failure.ts'

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

/** A CRL read without holding the event loop. */
export async function readCrl(
  head: () => Promise<{ readonly head: CrlHead; readonly parts: number } | undefined>,
  partsFrom: (crlNumber: bigint, from: number, count: number) => Promise<readonly Uint8Array[] | undefined>,
): Promise<CrlParts | undefined> {
  for (;;) {
    const found = await head()
    if (found === undefined) return undefined
    const parts: Uint8Array[] = []
    while (parts.length < found.parts) {
      if (parts.length > 0) await nextTurn()
      const some = await partsFrom(found.head.crlNumber, parts.length, partsPerTurn)
      // Another one was put meanwhile: from the beginning.
      if (some === undefined) break
      if (some.length === 0) throw storeCorrupt('parts of a CRL are missing')
      parts.push(...some)
    }
    if (parts.length === found.parts) return { ...found.head, parts }
  }
}
