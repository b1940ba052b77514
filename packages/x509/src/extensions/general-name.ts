import type { DerReader } from '../der/reader.ts'
import { contextTag } from '../der/tag.ts'
import { context } from '../der/tlv.ts'
import { asciiElement, isAscii } from '../der/writer.ts'
import { encodeName, readName } from '../name.ts'
import { PkiError } from '../pki-error.ts'
import type { GeneralName } from '../types.ts'
import { formatIpAddress, parseIpAddress } from './ip-address.ts'

const tagEmail = contextTag(1, false)
const tagDns = contextTag(2, false)
const tagDirectoryName = contextTag(4, true)
const tagUri = contextTag(6, false)
const tagIp = contextTag(7, false)

/**
 * GeneralName (RFC 5280 section 4.2.1.6). A DNS name is in preferred name syntax, with `*` as its whole first label allowed; a URI is absolute and ASCII;
 * an IP address is IPv4 or IPv6 text.
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function encodeGeneralName(name: GeneralName): Uint8Array {
  switch (name.type) {
    case 'dns':
      if (!isDnsName(name.value)) throw notAName('not a DNS name')
      return asciiElement(tagDns, name.value)
    case 'uri':
      if (!isUri(name.value)) throw notAName('not an absolute URI in ASCII')
      return asciiElement(tagUri, name.value)
    case 'email':
      if (!isMailbox(name.value)) throw notAName('not a mail address in ASCII')
      return asciiElement(tagEmail, name.value)
    case 'ip': {
      const octets = parseIpAddress(name.value)
      if (octets === undefined) throw notAName('not an IP address')
      return context(7, false, octets)
    }
    case 'directoryName':
      // A CHOICE, so the tag is EXPLICIT (X.680 section 31.2.7).
      return context(4, true, encodeName(name.value))
    case 'other':
      return name.der
    default:
      throw new TypeError('"name.type" must be one of GeneralName')
  }
}

/** The next element as a GeneralName. Texts are ASCII; whether they are well-formed names is not checked. `strict` holds for directory names. @internal */
export function readGeneralName(
  reader: DerReader,
  options: { readonly strict: boolean } = { strict: false },
): GeneralName {
  const tag = reader.peekTag()
  switch (tag) {
    case tagDns:
      return { type: 'dns', value: readAscii(reader, tag) }
    case tagUri:
      return { type: 'uri', value: readAscii(reader, tag) }
    case tagEmail:
      return { type: 'email', value: readAscii(reader, tag) }
    case tagIp: {
      const octets = reader.content(tag)
      if (octets.length !== 4 && octets.length !== 16) throw reader.error('IP address of neither 4 nor 16 octets')
      return { type: 'ip', value: formatIpAddress(octets) }
    }
    case tagDirectoryName: {
      reader.enter(tag)
      const value = readName(reader, options)
      reader.leave()
      return { type: 'directoryName', value }
    }
    // otherName, x400Address, ediPartyName, registeredID.
    case contextTag(0, true):
    case contextTag(3, true):
    case contextTag(5, true):
    case contextTag(8, false):
      return { type: 'other', tag: tag & 0x1f, der: reader.element() }
    default:
      reader.element()
      throw reader.error('not a GeneralName')
  }
}

/** Whether `text` is a DNS name as certificates carry them (RFC 1034 section 3.5, RFC 1123 section 2.1), without a trailing dot. @internal */
export function isDnsName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false
  const labels = text.split('.')
  return labels.every((label, index) => (index === 0 && label === '*' && labels.length > 1) || isLabel(label))
}

/** Whether `text` is an absolute URI (RFC 3986 section 4.3) in ASCII. @internal */
export function isUri(text: string): boolean {
  return text.length <= 2048 && /^[a-z][a-z0-9+.-]*:[!#-;=?-Z[\]_a-z~%]+$/i.test(text)
}

function isMailbox(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (text.length > 255 || at < 1 || at > 64 || !isDnsName(text.slice(at + 1))) return false
  return /^[!-?A-~]+$/.test(text.slice(0, at))
}

function isLabel(label: string): boolean {
  return label.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(label)
}

function readAscii(reader: DerReader, tag: number): string {
  const octets = reader.content(tag)
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
  // A NUL has made one host look like another to C programs before.
  if (!isAscii(text) || text.includes('\0')) throw reader.error('name with characters that IA5String does not allow')
  return text
}

function notAName(reason: string): PkiError<'ERR_PKI_NAME'> {
  return new PkiError('ERR_PKI_NAME', { reason })
}
