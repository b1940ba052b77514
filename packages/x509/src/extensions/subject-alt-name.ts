import { createDerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { sequence } from '../der/tlv.ts'
import type { GeneralName } from '../types.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'
import { encodeGeneralName, readGeneralName } from './general-name.ts'

/**
 * SubjectAltName, whole Extension; at least one name. Not critical unless asked:
 * "If the subject field contains an empty sequence, then the issuing CA MUST include a subjectAltName extension that is marked as critical" (RFC 5280 section 4.2.1.6).
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function subjectAltName(
  names: readonly GeneralName[],
  { critical = false }: { readonly critical?: boolean } = {},
): Uint8Array {
  if (names.length === 0) throw new TypeError('"names" must hold at least one name')
  return encodeExtension(extensionOids.subjectAltName, critical, sequence(...names.map(encodeGeneralName)))
}

/**
 * The names of a SubjectAltName value, in order.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseSubjectAltName(value: Uint8Array): GeneralName[] {
  return readSubjectAltName(value, { strict: false })
}

/** {@link parseSubjectAltName}; `strict` as for names. `emptyToo`: in certificates, where CAs have written lists of no names. @internal */
export function readSubjectAltName(
  value: Uint8Array,
  options: { readonly strict: boolean; readonly emptyToo?: boolean },
): GeneralName[] {
  const reader = createDerReader(value)
  const names: GeneralName[] = []
  reader.enter(derTag.sequence)
  // "the sequence MUST contain at least one entry" (RFC 5280 section 4.2.1.6).
  if (reader.atEnd && options.emptyToo !== true) throw reader.error('empty list of names')
  while (!reader.atEnd) names.push(readGeneralName(reader, options))
  reader.leave()
  reader.finish()
  return names
}
