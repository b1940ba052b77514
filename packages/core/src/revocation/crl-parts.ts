// A store may hold values of a bounded size only (a CRL over 512 KB once stopped a whole CA: hashicorp/vault#7464).
const partBytes = 1024 * 1024

/** Cuts a CRL into parts of at most 1 MiB. */
export function splitParts(der: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < der.length; offset += partBytes) parts.push(der.subarray(offset, offset + partBytes))
  return parts
}

export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts))
}
