import { type DerReader, derTag } from '@fleetcert/x509/der'

/** An Extension as it stands, with what a strict reader would refuse. */
export interface RawExtension {
  /** Dotted. */
  readonly oid: string
  readonly critical: boolean
  /** `critical FALSE` is written out, against X.690 section 11.5. */
  readonly hasDefaultWritten: boolean
  /** The octets inside extnValue. */
  readonly value: Uint8Array
}

/** The next element as Extensions: possibly empty, possibly one of them twice. @throws PkiError `ERR_PKI_DER` */
export function readRawExtensions(reader: DerReader): RawExtension[] {
  const extensions: RawExtension[] = []
  reader.enter(derTag.sequence)
  while (!reader.atEnd) {
    reader.enter(derTag.sequence)
    const oid = reader.objectIdentifier()
    const isWritten = reader.peekTag() === derTag.boolean
    const critical = isWritten && reader.boolean()
    extensions.push({ oid, critical, hasDefaultWritten: isWritten && !critical, value: reader.octetString() })
    reader.leave()
  }
  reader.leave()
  return extensions
}

/** The extension of that OID, or `undefined`. */
export function findRaw(extensions: readonly RawExtension[], oid: string): RawExtension | undefined {
  return extensions.find(extension => extension.oid === oid)
}

/** The OID of an extension that is there twice, or `undefined`. */
export function findTwice(extensions: readonly RawExtension[]): string | undefined {
  if (extensions.length < 2) return undefined
  const seen = new Set<string>()
  for (const { oid } of extensions) {
    if (seen.has(oid)) return oid
    seen.add(oid)
  }
  return undefined
}
