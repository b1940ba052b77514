import type { Extension, TbsCertificate } from '@fleetcert/x509'

// The strict reader has accepted every octet that these functions look at; they only find their way among them, without allocating.

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/** The extension of that OID, or `undefined`. */
export function extensionOf(certificate: TbsCertificate, oid: string): Extension | undefined {
  const { extensions } = certificate
  for (let index = 0; index < extensions.length; index++) if (extensions[index]!.oid === oid) return extensions[index]
  return undefined
}

/** Where the content of the element at `offset` begins. */
export function contentStart(octets: Uint8Array, offset: number): number {
  const length = octets[offset + 1]!
  return length < 0x80 ? offset + 2 : offset + 2 + (length & 0x7f)
}

/** Where the element at `offset` ends. */
export function elementEnd(octets: Uint8Array, offset: number): number {
  const start = contentStart(octets, offset)
  if (start === offset + 2) return start + octets[offset + 1]!
  let length = 0
  for (let index = offset + 2; index < start; index++) length = length * 256 + octets[index]!
  return start + length
}

/** Where, in `tbsCertificate`, the element behind one of its parts begins: all octet arrays of a parsed certificate are views of its bytes. */
export function offsetBehind({ tbsCertificate }: TbsCertificate, part: Uint8Array): number {
  return part.byteOffset + part.length - tbsCertificate.byteOffset
}
