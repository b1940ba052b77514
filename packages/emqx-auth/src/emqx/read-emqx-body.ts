import { isAscii } from 'node:buffer'
import { type EmqxBody, type EmqxBodyKey, type EmqxBodyNames, emqxBodyKeys } from './emqx-body.ts'
import type { EmqxDialect } from './emqx-dialect.ts'

/** Larger bodies are refused unread. */
export const maximumBodyOctets = 65_536

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a body held. `keys`: every key that was sent, of whatever name. */
export interface ReadEmqxBody {
  readonly fields: EmqxBody
  readonly keys: Pick<ReadonlySet<string>, 'has' | 'size'>
}

/** The content type under which the query of a GET is read: EMQX encodes it as a form. */
export const formContentType = 'application/x-www-form-urlencoded'

/**
 * Reads a JSON or form body; `undefined` for whatever EMQX does not send: another type or charset, more than 64 KiB, not UTF-8, a key twice, a value that is no string.
 *
 * EMQX 5 takes only a flat map of strings as the template of a body, renders every value as a string, and one that has no value as the empty string. EMQX 4 writes one that has no value as `undefined` or
 * `null`, in words: there, and only there, these are absent. A device that is called so cannot use EMQX 4.
 */
export function readEmqxBody(
  contentType: string | undefined,
  body: Uint8Array,
  names: EmqxBodyNames,
  dialect: EmqxDialect,
): ReadEmqxBody | undefined {
  if (!(body instanceof Uint8Array) || body.length > maximumBodyOctets) return undefined
  const type = mediaType(contentType)
  if (type !== 'application/json' && type !== formContentType) return undefined
  try {
    const text = isAscii(body) ? asciiText(body) : utf8.decode(body)
    const values = type === formContentType ? readForm(text) : readJson(text, dialect, names.cert_pem)
    if (values === undefined) return undefined
    const fields: { [key in EmqxBodyKey]?: string } = {}
    for (const key of emqxBodyKeys) {
      const value = values.get(names[key])
      if (typeof value === 'string' && !(dialect === 'emqx4' && isNothingInEmqx4(value))) fields[key] = value
    }
    return { fields, keys: values }
  } catch {
    return undefined
  }
}

function asciiText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

function isNothingInEmqx4(value: string): boolean {
  return value === 'undefined' || value === 'null'
}

/** The media type in lower case; none for a parameter other than `charset=utf-8`. */
function mediaType(contentType: string | undefined): string | undefined {
  // What EMQX sends, byte for byte, in nearly every request.
  if (contentType === 'application/json') return contentType
  const [type, ...parameters] = (contentType ?? '').split(';').map(part => part.trim().toLowerCase())
  return parameters.every(parameter => parameter === 'charset=utf-8' || parameter === 'charset="utf-8"')
    ? type
    : undefined
}

function readJson(text: string, dialect: EmqxDialect, certificateKey: string): Map<string, string | null> | undefined {
  const plain = readPlainJson(text, certificateKey)
  if (plain !== undefined) return plain
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  const isValue = (entry: [string, unknown]): entry is [string, string | null] =>
    typeof entry[1] === 'string' || (dialect === 'emqx4' && entry[1] === null)
  if (!entries.every(isValue)) return undefined
  // JSON.parse keeps the last of two equal keys, EMQX or a proxy may have meant the first; and V8 (Node 24.9) was seen to read an escaped key that comes twice as two. In a flat map every literal that a colon
  // follows is a key, so they are taken one by one.
  const keys = Array.from(text.matchAll(/("(?:[^"\\]|\\.)*")[ \t\r\n]*(:?)/g)).flatMap(([, literal = '', colon]) =>
    colon === ':' ? [JSON.parse(literal) as string] : [],
  )
  return new Set(keys).size === keys.length ? new Map(entries) : undefined
}

/** No JSON string holds these as they are. */
const controlCharacter = /[\u0000-\u001f]/

/**
 * What EMQX sends in nearly every request: an object of strings without escapes and without space between them. `undefined` for anything else, also for a key that comes twice: that is for JSON.parse, and for whoever
 * looks closely.
 *
 * The certificate, which is most of the text, is not searched for control characters: as base64 it is compared letter by letter with what its octets are written as.
 */
function readPlainJson(text: string, certificateKey: string): Map<string, string> | undefined {
  const end = text.length - 1
  if (end < 1 || text[0] !== '{' || text[end] !== '}' || text.includes('\\')) return undefined
  const values = new Map<string, string>()
  let index = 1
  for (;;) {
    // "key":"value" and a comma, or the end.
    const keyEnd = text.indexOf('"', index + 1)
    if (text[index] !== '"' || keyEnd === -1 || text[keyEnd + 1] !== ':' || text[keyEnd + 2] !== '"') return undefined
    const valueEnd = text.indexOf('"', keyEnd + 3)
    if (valueEnd === -1) return undefined
    const key = text.slice(index + 1, keyEnd)
    const value = text.slice(keyEnd + 3, valueEnd)
    if (values.has(key) || controlCharacter.test(key)) return undefined
    const isBase64 = key === certificateKey && !value.startsWith('-')
    if (!isBase64 && controlCharacter.test(value)) return undefined
    values.set(key, value)
    if (valueEnd + 1 === end) return values
    if (text[valueEnd + 1] !== ',') return undefined
    index = valueEnd + 2
  }
}

function readForm(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals === -1) return undefined
    const key = decodeFormText(pair.slice(0, equals))
    if (fields.has(key)) return undefined
    fields.set(key, decodeFormText(pair.slice(equals + 1)))
  }
  return fields
}

/** URLSearchParams takes a stray `%` and octets that are not UTF-8; this throws. */
function decodeFormText(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
