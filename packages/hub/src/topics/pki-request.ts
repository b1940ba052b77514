import { decodeBase64 } from '../exchange/base64.ts'
import { checkFields, type Fields, malformed, oneOf, text } from '../exchange/fields.ts'

/** A request as it came. */
export interface PkiRequest {
  /** The device's own, for telling answers apart. */
  readonly id: string
  readonly method: PkiMethod
  readonly params: readonly [string, unknown][]
}

export type PkiMethod = 'renewalInfo' | 'renew' | 'confirm'

const methods: readonly PkiMethod[] = ['renewalInfo', 'renew', 'confirm']
const limitBytes = 64 * 1024
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads what can be told apart from noise: an object with an id. `undefined` for anything else, which nobody waits for an answer to. */
export function readId(payload: Uint8Array): { readonly id: string; readonly value: object } | undefined {
  if (payload.length > limitBytes) return undefined
  try {
    const value: unknown = JSON.parse(utf8.decode(payload))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const { id } = value as { readonly id?: unknown }
    return typeof id === 'string' && id.length > 0 && id.length <= 128 ? { id, value } : undefined
  } catch {
    return undefined
  }
}

/** @throws PkiError `ERR_PKI_REQUEST` */
export function readRequest(value: object): PkiRequest {
  const { id, method, params } = checkFields<{ id: string; method: PkiMethod; params: object }>(Object.entries(value), {
    id: text,
    method: oneOf(methods),
    params: record,
  })
  if (id === undefined || method === undefined) throw malformed('method: is needed')
  return { id, method, params: Object.entries(params ?? {}) }
}

/**
 * The params of a method; all are needed.
 * @throws PkiError `ERR_PKI_REQUEST`
 */
export function readParams<T extends object>(params: readonly [string, unknown][], fields: Fields<T>): T {
  const checked = checkFields(params, fields)
  for (const name of Object.keys(fields)) if (!Object.hasOwn(checked, name)) throw malformed(`${name}: is needed`)
  return checked as T
}

/** As it stands in what is signed: there is one way to write it. */
export function fingerprintField(value: unknown, name: string): string {
  const fingerprint = text(value, name)
  if (!/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/.test(fingerprint)) {
    throw malformed(`${name}: expected 32 octets as AA:BB:…, in upper case`)
  }
  return fingerprint
}

/** Octets in base64. */
export function signatureField(value: unknown, name: string): Uint8Array {
  const base64 = text(value, name)
  if (base64.length > 2048) throw malformed(`${name}: too long`)
  const octets = decodeBase64(base64)
  if (octets === undefined || octets.length === 0) throw malformed(`${name}: expected base64`)
  return octets
}

function record(value: unknown, name: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`${name}: expected an object`)
  }
  return value
}
