import type { DerReader } from './reader.ts'
import { contextTag } from './tag.ts'

/** `[tagNumber] IMPLICIT BOOLEAN DEFAULT FALSE` as the next element; FALSE spelled out is read, as openssl does. */
export function readImplicitFlag(reader: DerReader, tagNumber: number): boolean {
  const tag = contextTag(tagNumber, false)
  if (reader.peekTag() !== tag) return false
  const octets = reader.content(tag)
  if (octets.length !== 1 || (octets[0] !== 0 && octets[0] !== 0xff)) throw reader.error('boolean neither 00 nor FF')
  return octets[0] === 0xff
}
