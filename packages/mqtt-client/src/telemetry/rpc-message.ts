import { readJsonObject } from '../read-json-object.ts'

/** A request to a device. */
export interface RpcRequest {
  /** The caller's; the reply carries it. */
  readonly id: string | number
  readonly method: string
  /** As it came: check it before you use it. */
  readonly params: unknown
}

/** What a device answers to a request. */
export type RpcOutcome =
  | { readonly result: unknown }
  | { readonly error: { readonly code: RpcErrorCode; readonly message: string } }

/** Why a request has no result. Wire words, as the codes of the hub's MQTT answers are not: these are for whoever called the method. */
export type RpcErrorCode = 'METHOD_MISSING' | 'METHOD_UNKNOWN' | 'METHOD_FAILED' | 'BUSY' | 'TIMEOUT' | 'RESULT_INVALID'

/** What was read: a request, one that has an id and nothing else that is needed, or why it is none. */
export type ReadRpc =
  | { readonly request: RpcRequest }
  | { readonly id: string | number; readonly outcome: RpcOutcome }
  | { readonly ignored: string }

/** The most that a request or a reply may hold, in octets. */
export const rpcLimitBytes: number = 64 * 1024

/** Reads `{ "id", "method", "params" }`, or without the id where the topic has it. Never throws, whatever the octets. */
export function readRpc(payload: Uint8Array, idOfTopic?: string): ReadRpc {
  if (payload.length > rpcLimitBytes) return { ignored: 'too large' }
  const message = readJsonObject(payload, rpcLimitBytes)
  if (message === undefined) return { ignored: 'not a JSON object' }
  const id = idOfTopic ?? message['id']
  if (!isId(id)) return { ignored: 'no id' }
  const { method, params } = message
  if (typeof method !== 'string') return { id, outcome: rpcError('METHOD_MISSING', '"method" must be a string') }
  return { request: { id, method, params } }
}

/** The reply to a failed request. */
export function rpcError(code: RpcErrorCode, message: string): RpcOutcome {
  return { error: { code, message } }
}

/** JSON text of at most 64 KiB; `undefined` for what cannot be written so. */
export function writeJson(value: unknown): string | undefined {
  try {
    const text = JSON.stringify(value)
    return typeof text === 'string' && Buffer.byteLength(text) <= rpcLimitBytes ? text : undefined
  } catch {
    // A cycle, a BigInt.
    return undefined
  }
}

function isId(id: unknown): id is string | number {
  return Number.isFinite(id) || (typeof id === 'string' && id !== '' && id.length <= 128)
}
