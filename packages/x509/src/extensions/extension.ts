import { objectIdentifier } from '../der/object-identifier.ts'
import type { DerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { sequence } from '../der/tlv.ts'
import { boolean, octetString } from '../der/writer.ts'
import type { Extension } from '../types.ts'
import { extensionOids } from './extension-oids.ts'

// Encoded once: issuing writes the same few for every certificate.
const knownOids: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(extensionOids).map(oid => [oid, objectIdentifier(oid)]),
)
const criticalTrue = boolean(true)

/** More than any certificate has; bounds the work per extension block beside the size limit. */
const maxExtensions = 128

/** Extension (RFC 5280 section 4.1): `critical` FALSE is the DEFAULT and not written. `value` is what goes into extnValue, DER. */
export function encodeExtension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const id = knownOids.get(oid) ?? objectIdentifier(oid)
  return critical ? sequence(id, criticalTrue, octetString(value)) : sequence(id, octetString(value))
}

/**
 * Extensions: a SEQUENCE of one to 128, none twice (RFC 5280 section 4.2: "A certificate MUST NOT include more than one instance of a particular extension").
 * `strict` refuses `critical FALSE` spelled out, which DER forbids (X.690 section 11.5) and openssl accepts; certificates in the field have it.
 *
 * @internal
 */
export function readExtensions(reader: DerReader, { strict }: { readonly strict: boolean }): Extension[] {
  const extensions: Extension[] = []
  reader.enter(derTag.sequence)
  if (reader.atEnd) throw reader.error('empty list of extensions')
  while (!reader.atEnd) {
    const extension = readExtension(reader, strict)
    for (const { oid } of extensions) if (oid === extension.oid) throw reader.error(`extension ${oid} twice`)
    if (extensions.push(extension) > maxExtensions) throw reader.error('too many extensions')
  }
  reader.leave()
  return extensions
}

function readExtension(reader: DerReader, strict: boolean): Extension {
  reader.enter(derTag.sequence)
  const oid = reader.objectIdentifier()
  let critical = false
  if (reader.peekTag() === derTag.boolean) {
    critical = reader.boolean()
    if (strict && !critical) throw reader.error('default value written out')
  }
  const value = reader.octetString()
  reader.leave()
  return { oid, critical, value }
}

/** The value of one extension, read by `read`; `undefined` when it is not there. @internal */
export function findExtension<Value>(
  extensions: readonly Extension[],
  oid: string,
  read: (value: Uint8Array) => Value,
): Value | undefined {
  const extension = extensions.find(candidate => candidate.oid === oid)
  return extension === undefined ? undefined : read(extension.value)
}
