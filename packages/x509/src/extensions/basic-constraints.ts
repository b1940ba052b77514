import { createDerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { sequence } from '../der/tlv.ts'
import { boolean, integer } from '../der/writer.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/** RFC 5280 section 4.2.1.9. */
export interface BasicConstraints {
  /** Whether the subject is a CA. */
  readonly cA: boolean
  /** How many subordinate CAs may follow; only where `cA` is true. */
  readonly pathLength?: number
}

/** BasicConstraints, whole Extension. Critical for a CA: "Conforming CAs MUST … mark the extension as critical" (RFC 5280 section 4.2.1.9); not critical for an end entity. */
export function basicConstraints({ cA, pathLength }: BasicConstraints): Uint8Array {
  if (!cA && pathLength !== undefined) throw new TypeError('"pathLength" must be absent unless "cA" is true')
  const value = !cA
    ? sequence()
    : pathLength === undefined
      ? sequence(boolean(true))
      : sequence(boolean(true), integer(pathLength))
  return encodeExtension(extensionOids.basicConstraints, cA, value)
}

/**
 * The value of BasicConstraints. `cA FALSE` spelled out is read, though DER omits it: openssl accepts it and certificates in the field have it.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseBasicConstraints(value: Uint8Array): BasicConstraints {
  return readBasicConstraints(value, { strict: false })
}

/** {@link parseBasicConstraints}; `strict` refuses FALSE spelled out. @internal */
export function readBasicConstraints(value: Uint8Array, { strict }: { readonly strict: boolean }): BasicConstraints {
  const reader = createDerReader(value)
  reader.enter(derTag.sequence)
  let cA = false
  if (reader.peekTag() === derTag.boolean) {
    cA = reader.boolean()
    if (strict && !cA) throw reader.error('default value written out')
  }
  const pathLength = reader.peekTag() === derTag.integer ? reader.smallInteger() : undefined
  reader.leave()
  reader.finish()
  return pathLength === undefined ? { cA } : { cA, pathLength }
}
