import { PkiError } from '@fleetcert/x509'

/** Octets in the amounts that a format asks for, whatever pieces they come in. */
export interface ByteReader {
  /** The next `count` octets; fewer only at the end. A view where one piece holds them all. */
  take(count: number): Promise<Buffer>
  /** The next octets up to and with the first `octet`; `undefined` if there is none among the next `limit`. */
  takeThrough(octet: number, limit: number): Promise<Buffer | undefined>
  /** Lets go of the source, which is not read to its end. */
  close(): Promise<void>
}

/** Reads `source` piece by piece: nothing is kept but what was not asked for yet. */
export function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  let pieces: Buffer[] = []
  let held = 0
  let ended = false

  const fill = async (count: number): Promise<void> => {
    while (held < count && !ended) {
      const { value, done } = await iterator.next()
      if (done === true) ended = true
      else if (!(value instanceof Uint8Array))
        throw new PkiError('ERR_PKI_BACKUP', { reason: 'not a stream of octets' })
      else if (value.length > 0) {
        pieces.push(Buffer.from(value.buffer, value.byteOffset, value.length))
        held += value.length
      }
    }
  }

  const cut = (count: number): Buffer => {
    const [first] = pieces
    held -= count
    if (first !== undefined && first.length >= count) {
      if (first.length === count) pieces.shift()
      else pieces[0] = first.subarray(count)
      return first.subarray(0, count)
    }
    const all = Buffer.concat(pieces)
    pieces = all.length === count ? [] : [all.subarray(count)]
    return all.subarray(0, count)
  }

  return {
    async take(count) {
      await fill(count)
      return cut(Math.min(count, held))
    },
    async takeThrough(octet, limit) {
      for (let wanted = Math.min(limit, 256); ; wanted = Math.min(limit, wanted * 2)) {
        await fill(wanted)
        const seen = Buffer.concat(pieces)
        pieces = seen.length === 0 ? [] : [seen]
        const end = seen.subarray(0, limit).indexOf(octet)
        if (end !== -1) return cut(end + 1)
        if (held < wanted || wanted === limit) return undefined
      }
    },
    async close() {
      await iterator.return?.()
    },
  }
}
