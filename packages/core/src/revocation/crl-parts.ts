import { encodeCertificateListParts, type SignatureAlgorithm } from '@fleetcert/x509'

// A store may hold values of a bounded size only (a CRL over 512 KB once stopped a whole CA: hashicorp/vault#7464).
const partBytes = 1024 * 1024

/** The parts of a signed CRL as they are kept, at most 1 MiB each: what the entries' pages are, so that nothing is copied; a small CRL is one part. */
export function certificateListParts(
  tbsCertList: readonly Uint8Array[],
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array[] {
  const parts = encodeCertificateListParts(tbsCertList, algorithm, signature)
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  if (size <= partBytes) return [new Uint8Array(Buffer.concat(parts, size))]
  // What stands before the entries together, and what stands behind them: `tbsCertList` is header, entries, extensions.
  const [header, beforeEntries, ...rest] = parts
  const pages = rest.slice(0, -2)
  const after = rest.slice(-2)
  return [join([header!, beforeEntries!]), ...pages, join(after)].flatMap(splitPart)
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function splitPart(part: Uint8Array): Uint8Array[] {
  if (part.length <= partBytes) return [part]
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < part.length; offset += partBytes) parts.push(part.subarray(offset, offset + partBytes))
  return parts
}
