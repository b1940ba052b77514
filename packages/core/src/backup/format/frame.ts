import { PkiError } from '@fleetcert/x509'
import { createByteReader } from '../age/byte-reader.ts'

/** What a frame of a backup holds: who and when; a key; records; that all has come; certificates or ledger entries as a store has packed them. */
export type FrameType = 'header' | 'key' | 'records' | 'trailer' | 'certificates' | 'events'

export interface Frame {
  readonly type: FrameType
  readonly content: Buffer
}

// Kept in files: a place in this list is never used for another word, and new words come last.
const types: readonly FrameType[] = ['header', 'key', 'records', 'trailer', 'certificates', 'events']
const headOctets = 5
/** More than the largest record: what a length says is allocated, so it has a bound. */
const largestFrame = 17 * 1024 * 1024

/** What stands before a frame's content: its type, and the length of its content in four octets. */
export function encodeFrameHead(type: FrameType, contentLength: number): Buffer {
  const head = Buffer.allocUnsafe(headOctets)
  head[0] = types.indexOf(type)
  head.writeUInt32BE(contentLength, 1)
  return head
}

/** @throws PkiError `ERR_PKI_BACKUP` for octets that are no frames. */
export async function* decodeFrames(octets: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, void> {
  const reader = createByteReader(octets)
  try {
    for (;;) {
      const head = await reader.take(headOctets)
      if (head.length === 0) return
      const type = types[head[0]!]
      const length = head.length < headOctets ? 0 : head.readUInt32BE(1)
      if (head.length < headOctets || type === undefined || length > largestFrame) throw noFrame()
      const content = await reader.take(length)
      if (content.length < length) throw noFrame()
      yield { type, content }
    }
  } finally {
    await reader.close()
  }
}

function noFrame(): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason: 'what it holds is no backup' })
}
