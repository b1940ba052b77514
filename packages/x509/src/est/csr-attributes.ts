import { objectIdentifier } from '../der/object-identifier.ts'
import { sequence, set } from '../der/tlv.ts'
import { integer } from '../der/writer.ts'

const oidEcPublicKey = '1.2.840.10045.2.1'
const oidRsaEncryption = '1.2.840.113549.1.1.1'

/** Which key an EST client is asked to make. `RSA` is of 2048 bits. */
export type CsrKey = 'P-256' | 'P-384' | 'Ed25519' | 'RSA'

const attributes: Readonly<Record<CsrKey, readonly Uint8Array[]>> = {
  'P-256': [
    attribute(oidEcPublicKey, objectIdentifier('1.2.840.10045.3.1.7')),
    objectIdentifier('1.2.840.10045.4.3.2'),
  ],
  'P-384': [attribute(oidEcPublicKey, objectIdentifier('1.3.132.0.34')), objectIdentifier('1.2.840.10045.4.3.3')],
  Ed25519: [objectIdentifier('1.3.101.112')],
  RSA: [attribute(oidRsaEncryption, integer(2048)), objectIdentifier('1.2.840.113549.1.1.11')],
}

/**
 * What EST's csrattrs answers, DER: `CsrAttrs ::= SEQUENCE SIZE (0..MAX) OF AttrOrOID` (RFC 7030 section 4.5.2, RFC 8951 section 4, RFC 9908). It names the key to make and the signature to make with it, as the
 * example of RFC 7030 section 4.5.2 does: the key as an attribute with its curve or its number of bits, the signature algorithm by its number alone.
 */
export function encodeCsrAttributes(key: CsrKey): Uint8Array {
  if (!Object.hasOwn(attributes, key)) throw new TypeError('"key" must be P-256, P-384, Ed25519 or RSA')
  return sequence(...attributes[key])
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid), set(value))
}
