import { createDerReader } from '../der/reader.ts'
import { bitString } from '../der/writer.ts'
import type { KeyUsageBit } from '../types.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/** In the order of their bit numbers (RFC 5280 section 4.2.1.3). */
const bitNames: readonly KeyUsageBit[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

/** KeyUsage, whole Extension, critical: "conforming CAs SHOULD mark this extension as critical". At least one bit (RFC 5280 section 4.2.1.3). */
export function keyUsage(bits: readonly KeyUsageBit[]): Uint8Array {
  let flags = 0
  for (const bit of bits) {
    const index = bitNames.indexOf(bit)
    if (index === -1) throw new TypeError('"bits" must hold names of KeyUsage bits')
    flags |= 0x8000 >>> index
  }
  if (flags === 0) throw new TypeError('"bits" must hold at least one bit')
  return encodeExtension(extensionOids.keyUsage, true, namedBits(flags))
}

/**
 * The bits of a KeyUsage value, in the order of RFC 5280.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseKeyUsage(value: Uint8Array): KeyUsageBit[] {
  return readKeyUsage(value, { strict: false })
}

/**
 * {@link parseKeyUsage}. `strict` refuses trailing zero bits, which DER forbids in named bit lists (X.690 section 11.2.2);
 * openssl accepts them and certificates in the field have them.
 *
 * @internal
 */
export function readKeyUsage(value: Uint8Array, { strict }: { readonly strict: boolean }): KeyUsageBit[] {
  const reader = createDerReader(value)
  const { octets, unusedBits } = reader.bitString()
  reader.finish()
  if (octets.length > 2) throw reader.error('KeyUsage with unknown bits')
  const flags = ((octets[0] ?? 0) << 8) | (octets[1] ?? 0)
  if (flags & 0x7f) throw reader.error('KeyUsage with unknown bits')
  if (strict && octets.length > 0 && !((octets[octets.length - 1]! >>> unusedBits) & 1)) {
    throw reader.error('trailing zero bits')
  }
  return bitNames.filter((_, index) => flags & (0x8000 >>> index))
}

/** BIT STRING of up to 16 named bits: "all trailing 0 bits removed" (X.690 section 11.2.2). @internal */
export function namedBits(flags: number): Uint8Array {
  const octets = flags & 0xff ? Uint8Array.of(flags >>> 8, flags & 0xff) : Uint8Array.of(flags >>> 8)
  const last = octets[octets.length - 1]!
  return bitString(octets, last === 0 ? 0 : 31 - Math.clz32(last & -last))
}
