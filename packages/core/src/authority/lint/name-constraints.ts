import { type DistinguishedName, isPkiError, parseName } from '@fleetcert/x509'
import { contextTag, createDerReader, type DerReader, derTag } from '@fleetcert/x509/der'

/** The base of a GeneralSubtree (RFC 5280 section 4.2.1.10). */
export type NameConstraint =
  | { readonly form: 'dns' | 'email' | 'uri'; readonly base: string }
  | { readonly form: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly form: 'directoryName'; readonly base: DistinguishedName }
  /** By the tag number of GeneralName. */
  | { readonly form: 'other'; readonly tag: number }

export interface NameConstraints {
  readonly permitted: readonly NameConstraint[]
  readonly excluded: readonly NameConstraint[]
}

/** The value of NameConstraints; `undefined` if it is malformed, or has `minimum` or `maximum`, which nobody understands. */
export function parseNameConstraints(value: Uint8Array): NameConstraints | undefined {
  try {
    const reader = createDerReader(value)
    reader.enter(derTag.sequence)
    const permitted = readSubtrees(reader, contextTag(0, true))
    const excluded = readSubtrees(reader, contextTag(1, true))
    reader.leave()
    reader.finish()
    return { permitted, excluded }
  } catch (error) {
    if (!isPkiError(error)) throw error
    return undefined
  }
}

function readSubtrees(reader: DerReader, tag: number): NameConstraint[] {
  const subtrees: NameConstraint[] = []
  if (reader.peekTag() !== tag) return subtrees
  reader.enter(tag)
  do {
    reader.enter(derTag.sequence)
    subtrees.push(readBase(reader))
    // "the minimum MUST be zero, and maximum MUST be absent": zero is the DEFAULT and not written, so nothing follows.
    reader.leave()
  } while (!reader.atEnd)
  reader.leave()
  return subtrees
}

function readBase(reader: DerReader): NameConstraint {
  const tag = reader.peekTag()
  switch (tag) {
    case contextTag(1, false):
      return { form: 'email', base: text(reader, tag) }
    case contextTag(2, false):
      return { form: 'dns', base: text(reader, tag) }
    case contextTag(6, false):
      return { form: 'uri', base: text(reader, tag) }
    case contextTag(4, true): {
      reader.enter(tag)
      const base = parseName(reader.element())
      reader.leave()
      return { form: 'directoryName', base }
    }
    case contextTag(7, false): {
      const octets = reader.content(tag)
      const half = octets.length / 2
      // Address and mask (RFC 5280 section 4.2.1.10, RFC 4632).
      if (half !== 4 && half !== 16) throw reader.error('an address range of neither 8 nor 32 octets')
      return { form: 'ip', address: octets.subarray(0, half), mask: octets.subarray(half) }
    }
    default:
      return { form: 'other', tag: reader.element()[0]! & 0x1f }
  }
}

function text(reader: DerReader, tag: number): string {
  const octets = reader.content(tag)
  if (octets.some(octet => octet >= 0x80)) throw reader.error('text that is not ASCII')
  return Buffer.from(octets).toString('latin1').toLowerCase()
}
