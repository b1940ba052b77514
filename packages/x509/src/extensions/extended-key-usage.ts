import { objectIdentifier } from '../der/object-identifier.ts'
import { createDerReader } from '../der/reader.ts'
import { derTag } from '../der/tag.ts'
import { sequence } from '../der/tlv.ts'
import { encodeExtension } from './extension.ts'
import { extendedKeyUsageOids, extensionOids } from './extension-oids.ts'

// Encoded once: issuing writes the same few for every certificate.
const knownPurposes: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(extendedKeyUsageOids).map(oid => [oid, objectIdentifier(oid)]),
)

/** ExtendedKeyUsage, whole Extension, not critical unless asked (RFC 5280 section 4.2.1.12). At least one dotted OID. */
export function extendedKeyUsage(
  oids: readonly string[],
  { critical = false }: { readonly critical?: boolean } = {},
): Uint8Array {
  if (oids.length === 0) throw new TypeError('"oids" must hold at least one key purpose')
  const purposes = oids.map(oid => knownPurposes.get(oid) ?? objectIdentifier(oid))
  return encodeExtension(extensionOids.extendedKeyUsage, critical, sequence(...purposes))
}

/**
 * The key purposes of an ExtendedKeyUsage value, dotted OIDs.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseExtendedKeyUsage(value: Uint8Array): string[] {
  const reader = createDerReader(value)
  const oids: string[] = []
  reader.enter(derTag.sequence)
  do oids.push(reader.objectIdentifier())
  while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return oids
}
