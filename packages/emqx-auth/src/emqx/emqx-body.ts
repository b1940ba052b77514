/** What we read of a request, by the names that `emqxConfig` writes. */
export type EmqxBodyKey =
  | 'clientid'
  | 'username'
  | 'peerhost'
  | 'cert_pem'
  | 'cert_common_name'
  | 'cert_subject'
  | 'action'
  | 'topic'
  | 'qos'
  | 'retain'

/** The keys of the authenticator's body. */
export const authenticateKeys = [
  'clientid',
  'username',
  'peerhost',
  'cert_pem',
  'cert_common_name',
  'cert_subject',
] as const

/** The keys of the authorizer's body. */
export const authorizeKeys = ['clientid', 'username', 'cert_common_name', 'action', 'topic', 'qos', 'retain'] as const

/** Other names for some of the keys. */
export type EmqxBodyKeys = Partial<Record<EmqxBodyKey, string>>

/** The fields of a body; one that is absent was not sent. */
export type EmqxBody = { readonly [key in EmqxBodyKey]?: string }

/** Larger bodies are refused unread. */
export const maximumBodyOctets = 65_536

const knownKeys: readonly EmqxBodyKey[] = [...new Set([...authenticateKeys, ...authorizeKeys])]

/** @throws TypeError for an unknown key, an empty name, or two keys of one name. */
export function resolveBodyKeys(names: EmqxBodyKeys = {}): Readonly<Record<EmqxBodyKey, string>> {
  for (const [key, name] of Object.entries(names)) {
    if (!knownKeys.includes(key as EmqxBodyKey)) throw new TypeError(`"bodyKeys" has no key ${key}`)
    if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
      throw new TypeError(`"bodyKeys.${key}" must be 1 to 64 of A–Z a–z 0–9 _ . -`)
  }
  const resolved = Object.fromEntries(knownKeys.map(key => [key, names[key] ?? key])) as Record<EmqxBodyKey, string>
  if (new Set(Object.values(resolved)).size !== knownKeys.length)
    throw new TypeError('"bodyKeys" gives two keys one name')
  return resolved
}

/**
 * Reads a JSON or form body; `undefined` for whatever EMQX 5 does not send: another type or charset, more than 64 KiB, not UTF-8, a key twice, a value that is no string.
 * EMQX takes only a flat map of strings as the template of a body and renders every value as a string.
 */
export function readEmqxBody(
  contentType: string | undefined,
  body: Uint8Array,
  names: Readonly<Record<EmqxBodyKey, string>>,
): EmqxBody | undefined {
  if (!(body instanceof Uint8Array) || body.length > maximumBodyOctets) return undefined
  const type = mediaType(contentType)
  const read =
    type === 'application/json' ? readJson : type === 'application/x-www-form-urlencoded' ? readForm : undefined
  if (read === undefined) return undefined
  try {
    const fields = read(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
    if (fields === undefined) return undefined
    const known = knownKeys.flatMap(key => (fields.has(names[key]) ? [[key, fields.get(names[key])]] : []))
    return Object.fromEntries(known)
  } catch {
    return undefined
  }
}

/** The media type in lower case; none for a parameter other than `charset=utf-8`. */
function mediaType(contentType: string | undefined): string | undefined {
  const [type, ...parameters] = (contentType ?? '').split(';').map(part => part.trim().toLowerCase())
  return parameters.every(parameter => parameter === 'charset=utf-8' || parameter === 'charset="utf-8"')
    ? type
    : undefined
}

function readJson(text: string): Map<string, string> | undefined {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return undefined
  // JSON.parse keeps the last of two equal keys, EMQX or a proxy may have meant the first; and V8 (Node 24.9) was seen to read an escaped key that comes twice as two. In a flat map of strings every other
  // literal is a key, so they are taken one by one.
  const literals = (text.match(/"(?:[^"\\]|\\.)*"/g) ?? []).map(literal => JSON.parse(literal) as string)
  const keys = literals.filter((_, index) => index % 2 === 0)
  return new Set(keys).size === keys.length ? new Map(entries) : undefined
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
