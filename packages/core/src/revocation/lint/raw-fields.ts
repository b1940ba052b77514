import { isPkiError } from '@fleetcert/x509'
import { createDerReader, type DerReader, derTag } from '@fleetcert/x509/der'

const maxBytes = 64 * 1024 * 1024

/** What `read` makes of `der`, or `undefined` where that is not the DER which it expects, to its last octet. */
export function readWhole<Value>(der: Uint8Array, read: (reader: DerReader) => Value): Value | undefined {
  try {
    const reader = createDerReader(der, { maxBytes })
    const value = read(reader)
    reader.finish()
    return value
  } catch (error) {
    if (!isPkiError(error)) throw error
    return undefined
  }
}

/** An element inside a SEQUENCE. */
export interface RawField {
  readonly tag: number
  /** The whole element. */
  readonly der: Uint8Array
}

/** The elements of a SEQUENCE, or `undefined` where `der` is none. */
export function fieldsOf(der: Uint8Array): RawField[] | undefined {
  return readWhole(der, reader => {
    const fields: RawField[] = []
    reader.enter(derTag.sequence)
    while (!reader.atEnd) fields.push({ tag: reader.peekTag()!, der: reader.element() })
    reader.leave()
    return fields
  })
}
