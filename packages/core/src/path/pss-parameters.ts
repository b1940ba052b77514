import { contextTag, createDerReader, type DerReader, derTag } from '@fleetcert/x509/der'

const hashes: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])
const oidMgf1 = '1.2.840.113549.1.1.8'
/** Longer than any hash: what openssl signs with at most is far below. */
const maxSaltLength = 512

/**
 * RSASSA-PSS-params (RFC 4055 section 3.1): hash and mask generation with the same SHA-2. The defaults are SHA-1, so absent parameters are refused with it.
 */
export function readPssParameters(
  parameters: Uint8Array | undefined,
): { readonly hash: string; readonly saltLength: number } | { readonly refused: string } {
  if (parameters === undefined) return { refused: 'RSASSA-PSS without parameters' }
  const reader = createDerReader(parameters)
  reader.enter(derTag.sequence)
  const hash = readTagged(reader, 0, readHash)
  const maskHash = readTagged(reader, 1, readMask)
  const saltLength = readTagged(reader, 2, inner => inner.smallInteger()) ?? 20
  const trailer = readTagged(reader, 3, inner => inner.smallInteger()) ?? 1
  if (!reader.atEnd) return { refused: 'parameters of RSASSA-PSS' }
  if (hash === undefined || hash !== maskHash) return { refused: 'RSASSA-PSS with other than one SHA-2' }
  if (saltLength > maxSaltLength || trailer !== 1) return { refused: 'parameters of RSASSA-PSS' }
  return { hash, saltLength }
}

function readTagged<Value>(
  reader: DerReader,
  tagNumber: number,
  read: (reader: DerReader) => Value,
): Value | undefined {
  const tag = contextTag(tagNumber, true)
  if (reader.peekTag() !== tag) return undefined
  reader.enter(tag)
  const value = read(reader)
  reader.leave()
  return value
}

function readHash(reader: DerReader): string | undefined {
  reader.enter(derTag.sequence)
  const oid = reader.objectIdentifier()
  if (!reader.atEnd) reader.null()
  reader.leave()
  return hashes.get(oid)
}

function readMask(reader: DerReader): string | undefined {
  reader.enter(derTag.sequence)
  const oid = reader.objectIdentifier()
  const hash = readHash(reader)
  reader.leave()
  return oid === oidMgf1 ? hash : undefined
}
