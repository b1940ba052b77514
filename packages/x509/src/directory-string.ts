import { derTag } from './der/tag.ts'
import { tlv } from './der/tlv.ts'
import { asciiElement, ia5String, isAscii, isPrintableOctet, utf8String } from './der/writer.ts'
import type { NameEncoding } from './types.ts'

type StringEncoding = Exclude<NameEncoding, 'other'>

const tagByEncoding: Readonly<Record<StringEncoding, number>> = {
  utf8String: derTag.utf8String,
  printableString: derTag.printableString,
  ia5String: derTag.ia5String,
  teletexString: derTag.teletexString,
  bmpString: derTag.bmpString,
  universalString: derTag.universalString,
  numericString: derTag.numericString,
  visibleString: derTag.visibleString,
}
const encodingByTag: ReadonlyMap<number, StringEncoding> = new Map(
  Object.entries(tagByEncoding).map(([encoding, tag]) => [tag, encoding as StringEncoding]),
)

/** The encoding that an identifier octet stands for; `undefined` for what is no string. @internal */
export function stringEncodingOf(tag: number): StringEncoding | undefined {
  return encodingByTag.get(tag)
}

/** An element of `text`, or `undefined` if the type cannot carry it; `strict` as in {@link decodeString}. @internal */
export function encodeString(
  encoding: StringEncoding,
  text: string,
  { strict }: { readonly strict: boolean },
): Uint8Array | undefined {
  switch (encoding) {
    case 'utf8String':
      return text.isWellFormed() ? utf8String(text) : undefined
    case 'printableString':
      return hasOnly(text, strict ? isPrintableOctet : isPrintableInPractice)
        ? asciiElement(derTag.printableString, text)
        : undefined
    case 'ia5String':
      return isAscii(text) ? ia5String(text) : undefined
    case 'teletexString':
      return hasOnly(text, code => code <= 0xff) ? asciiElement(derTag.teletexString, text) : undefined
    case 'numericString':
      return hasOnly(text, isNumeric) ? asciiElement(derTag.numericString, text) : undefined
    case 'visibleString':
      return hasOnly(text, isVisible) ? asciiElement(derTag.visibleString, text) : undefined
    case 'bmpString':
      return text.isWellFormed() ? wide(derTag.bmpString, codeUnits(text), 2) : undefined
    case 'universalString':
      return text.isWellFormed()
        ? wide(
            derTag.universalString,
            Array.from(text, character => character.codePointAt(0)!),
            4,
          )
        : undefined
  }
}

/**
 * The text of a string's content octets, or `undefined` if they are not of its type. `strict` holds PrintableString to X.680;
 * otherwise it may also hold `* & @ _`, which openssl and Go let pass because CAs have put them there for decades.
 *
 * @internal
 */
export function decodeString(encoding: StringEncoding, octets: Uint8Array, strict: boolean): string | undefined {
  switch (encoding) {
    case 'utf8String':
      return decodeUtf8(octets)
    case 'printableString':
      return latin1(octets, strict ? isPrintableOctet : isPrintableInPractice)
    case 'ia5String':
      return latin1(octets, code => code < 0x80)
    case 'teletexString':
      // T.61 proper is dead; everybody wrote Latin-1 into it (openssl X509_NAME, Go encoding/asn1).
      return latin1(octets, () => true)
    case 'numericString':
      return latin1(octets, isNumeric)
    case 'visibleString':
      return latin1(octets, isVisible)
    case 'bmpString':
      return decodeWide(octets, 2)
    case 'universalString':
      return decodeWide(octets, 4)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(octets: Uint8Array): string | undefined {
  // Nearly every name is ASCII, for which the decoder takes four times as long.
  const ascii = latin1(octets, code => code < 0x80)
  if (ascii !== undefined) return ascii
  try {
    return utf8.decode(octets)
  } catch {
    return undefined
  }
}

function latin1(octets: Uint8Array, isAllowed: (code: number) => boolean): string | undefined {
  for (let index = 0; index < octets.length; index++) if (!isAllowed(octets[index]!)) return undefined
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
}

function decodeWide(octets: Uint8Array, width: 2 | 4): string | undefined {
  if (octets.length % width !== 0) return undefined
  const characters: string[] = []
  for (let offset = 0; offset < octets.length; offset += width) {
    let code = 0
    for (let index = 0; index < width; index++) code = code * 256 + octets[offset + index]!
    if (code > 0x10ffff || (width === 4 && code >= 0xd800 && code <= 0xdfff)) return undefined
    characters.push(String.fromCodePoint(code))
  }
  const text = characters.join('')
  return text.isWellFormed() ? text : undefined
}

function wide(tag: number, codes: readonly number[], width: 2 | 4): Uint8Array {
  const octets = new Uint8Array(codes.length * width)
  const view = new DataView(octets.buffer)
  codes.forEach((code, index) => {
    if (width === 2) view.setUint16(2 * index, code)
    else view.setUint32(4 * index, code)
  })
  return tlv(tag, octets)
}

function codeUnits(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index))
}

function hasOnly(text: string, isAllowed: (code: number) => boolean): boolean {
  for (let index = 0; index < text.length; index++) if (!isAllowed(text.charCodeAt(index))) return false
  return true
}

function isPrintableInPractice(code: number): boolean {
  return isPrintableOctet(code) || code === 0x2a || code === 0x26 || code === 0x40 || code === 0x5f
}

function isNumeric(code: number): boolean {
  return code === 0x20 || (code >= 0x30 && code <= 0x39)
}

function isVisible(code: number): boolean {
  return code >= 0x20 && code <= 0x7e
}
