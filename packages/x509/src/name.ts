import { objectIdentifier } from './der/object-identifier.ts'
import { createDerReader, type DerReader } from './der/reader.ts'
import { derTag } from './der/tag.ts'
import { compareEncodings, sequence, setOf } from './der/tlv.ts'
import { isPrintable } from './der/writer.ts'
import { decodeString, encodeString, stringEncodingOf } from './directory-string.ts'
import { fromHex, toHex } from './fingerprint.ts'
import { findNameAttributeType, type NameAttributeType } from './name-attribute-type.ts'
import { PkiError } from './pki-error.ts'
import type { DistinguishedName, NameAttribute } from './types.ts'

/** X.520 bounds nothing for types it does not know: RFC 5280's ub-name. */
const maxUnknownLength = 32768

/**
 * Name (RFC 5280 section 4.1.2.4). PrintableString for `C`, `serialNumber` and `dnQualifier`, IA5String for `DC` and `emailAddress`, UTF8String for the rest;
 * an attribute with an `encoding` gets that. The upper bounds are those of RFC 5280 appendix A.1; control characters are refused.
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function encodeName(name: DistinguishedName): Uint8Array {
  return sequence(
    ...name.map(rdn => {
      if (rdn.length === 0) throw notAName('an RDN without attributes')
      return setOf(...rdn.map(encodeAttribute))
    }),
  )
}

/**
 * The attributes of an encoded Name. {@link encodeName} makes the same octets of them, unless a value is one that it refuses:
 * certificates have longer ones than RFC 5280 allows, and empty ones.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseName(der: Uint8Array): DistinguishedName {
  const reader = createDerReader(der)
  const name = readName(reader, { strict: false })
  reader.finish()
  return name
}

/** RFC 4514: the most specific RDN first, e.g. `CN=device-1,O=Acme`. For people and logs; compare names by their DER. */
export function formatName(name: DistinguishedName): string {
  return name.map(formatRdn).reverse().join(',')
}

/** All values of an attribute type, short name or dotted OID, outermost first. */
export function attributeValues(name: DistinguishedName, type: string): string[] {
  const oid = findNameAttributeType(type)?.oid ?? type
  const values: string[] = []
  for (const rdn of name) {
    for (const attribute of rdn) {
      if ((findNameAttributeType(attribute.type)?.oid ?? attribute.type) === oid) values.push(attribute.value)
    }
  }
  return values
}

/** {@link parseName} of a reader's next element. `strict`: also what {@link encodeName} would refuse is refused. @internal */
export function readName(reader: DerReader, { strict }: { readonly strict: boolean }): DistinguishedName {
  const name: (readonly NameAttribute[])[] = []
  reader.enter(derTag.sequence)
  while (!reader.atEnd) name.push(readRdn(reader, strict))
  reader.leave()
  return name
}

function readRdn(reader: DerReader, strict: boolean): NameAttribute[] {
  const rdn: NameAttribute[] = []
  let previous: Uint8Array | undefined
  reader.enter(derTag.set)
  do {
    const start = reader.offset
    reader.enter(derTag.sequence)
    rdn.push(readAttribute(reader, strict))
    reader.leave()
    if (previous === undefined && reader.atEnd) break
    const der = reader.slice(start, reader.offset)
    if (previous !== undefined && compareEncodings(previous, der) >= 0) throw reader.error('SET OF not in order')
    previous = der
  } while (!reader.atEnd)
  reader.leave()
  return rdn
}

function readAttribute(reader: DerReader, strict: boolean): NameAttribute {
  const oid = reader.objectIdentifier()
  const known = findNameAttributeType(oid)
  const type = known?.name ?? oid
  const tag = reader.peekTag()
  const encoding = tag === undefined ? undefined : stringEncodingOf(tag)
  if (encoding === undefined) return { type, value: `#${toHex(reader.element())}`, encoding: 'other' }
  const value = decodeString(encoding, reader.content(tag!), strict)
  if (value === undefined) throw reader.error('name attribute with characters that its type does not allow')
  const isUsual =
    encoding === (known?.encoding ?? 'utf8String') && (encoding !== 'printableString' || isPrintable(value))
  const attribute = isUsual ? { type, value } : { type, value, encoding }
  if (strict) {
    const reason = whyNot(attribute, known)
    if (reason !== undefined) throw notAName(reason)
  }
  return attribute
}

function encodeAttribute(attribute: NameAttribute): Uint8Array {
  const known = findNameAttributeType(attribute.type)
  const label = known?.name ?? 'an attribute'
  const type = encodeType(attribute.type, known)
  if (attribute.encoding === 'other') return sequence(type, decodeOther(attribute.value, label))
  const reason = whyNot(attribute, known)
  if (reason !== undefined) throw notAName(reason)
  const value = encodeString(attribute.encoding ?? known?.encoding ?? 'utf8String', attribute.value, {
    strict: attribute.encoding === undefined,
  })
  if (value === undefined) throw notAName(`${label} holds characters that its type does not allow`)
  return sequence(type, value)
}

function encodeType(type: string, known: NameAttributeType | undefined): Uint8Array {
  if (known !== undefined) return known.der
  try {
    return objectIdentifier(type)
  } catch {
    throw notAName('unknown attribute type')
  }
}

function decodeOther(value: string, label: string): Uint8Array {
  const hex = value.slice(1)
  if (!value.startsWith('#') || !/^(?:[0-9a-f]{2})+$/i.test(hex)) throw notAName(`${label} is not # and hexadecimal`)
  return fromHex(hex)
}

/** What is wrong with a value apart from its string type. */
function whyNot({ value }: NameAttribute, known: NameAttributeType | undefined): string | undefined {
  const label = known?.name ?? 'an attribute'
  if (value.length === 0) return `${label} is empty`
  const length = lengthInCharacters(value)
  const maxLength = known?.maxLength ?? maxUnknownLength
  if (length > maxLength) return `${label} is longer than ${maxLength} characters`
  if (known?.length !== undefined && length !== known.length) return `${label} is not ${known.length} characters long`
  // No honest name has them, and a NUL has made one name look like another to C programs before.
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `${label} holds control characters`
  }
  return undefined
}

function lengthInCharacters(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    // The second half of a surrogate pair.
    if (code >= 0xdc00 && code <= 0xdfff) length--
  }
  return length
}

function formatRdn(rdn: readonly NameAttribute[]): string {
  return rdn
    .map(({ type, value, encoding }) => `${type}=${encoding === 'other' ? value : escapeValue(value)}`)
    .join('+')
}

/** RFC 4514 section 2.4. Control characters, which it would let stand, are escaped too: the text goes to terminals and logs. */
function escapeValue(value: string): string {
  let text = ''
  for (let index = 0; index < value.length; index++) {
    const character = value[index]!
    const code = value.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) text += `\\${code.toString(16).padStart(2, '0')}`
    else if (code >= 0x80 && code <= 0x9f) text += `\\c2\\${code.toString(16)}`
    else if ('"+,;<>\\'.includes(character) || isAtEdge(character, index, value.length)) text += `\\${character}`
    else text += character
  }
  return text
}

function isAtEdge(character: string, index: number, length: number): boolean {
  return (character === ' ' && (index === 0 || index === length - 1)) || (character === '#' && index === 0)
}

function notAName(reason: string): PkiError<'ERR_PKI_NAME'> {
  return new PkiError('ERR_PKI_NAME', { reason })
}
