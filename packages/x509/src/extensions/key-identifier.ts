import { hash } from 'node:crypto'
import { createDerReader } from '../der/reader.ts'
import { contextTag, derTag } from '../der/tag.ts'
import { context, sequence } from '../der/tlv.ts'
import { octetString } from '../der/writer.ts'
import { fromHex } from '../fingerprint.ts'
import { publicKeyOctets } from '../public-key.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/**
 * RFC 5280 section 4.2.1.2 method 1: "the 160-bit SHA-1 hash of the value of the BIT STRING subjectPublicKey (excluding the tag, length, and number of unused bits)". 20 octets.
 * A name for a key, no security rests on it.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function keyIdentifierOf(spki: Uint8Array): Uint8Array {
  return fromHex(hash('sha1', publicKeyOctets(spki), 'hex'))
}

/** SubjectKeyIdentifier, whole Extension, not critical (RFC 5280 section 4.2.1.2). */
export function subjectKeyIdentifier(id: Uint8Array): Uint8Array {
  return encodeExtension(extensionOids.subjectKeyIdentifier, false, octetString(id))
}

/** AuthorityKeyIdentifier with keyIdentifier alone, whole Extension, not critical (RFC 5280 section 4.2.1.1). */
export function authorityKeyIdentifier(id: Uint8Array): Uint8Array {
  return encodeExtension(extensionOids.authorityKeyIdentifier, false, sequence(context(0, false, id)))
}

/**
 * The octets of a SubjectKeyIdentifier value.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = createDerReader(value)
  const id = reader.octetString()
  reader.finish()
  return id
}

/**
 * The keyIdentifier of an AuthorityKeyIdentifier value; `undefined` where it names the issuer by other means only.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const reader = createDerReader(value)
  let id: Uint8Array | undefined
  reader.enter(derTag.sequence)
  if (reader.peekTag() === contextTag(0, false)) id = reader.content(contextTag(0, false))
  if (reader.peekTag() === contextTag(1, true)) reader.element()
  if (reader.peekTag() === contextTag(2, false)) reader.integerOctets(contextTag(2, false))
  reader.leave()
  reader.finish()
  return id
}
