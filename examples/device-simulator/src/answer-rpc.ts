/** A reply as it goes to `…/rpc/response`. */
export type RpcReply =
  | { readonly id: string | number; readonly result: object }
  | { readonly id: string | number; readonly error: { readonly code: string; readonly message: string } }

export interface RpcAnswer {
  /** None for what cannot be answered: no JSON, or no id to answer to. */
  readonly reply?: RpcReply
  /** For the log. */
  readonly line: string
}

const limitBytes = 64 * 1024

/** Answers a request `{ "id", "method", "params" }`. Knows `ping` alone. Never throws, whatever the bytes. */
export function answerRpc(
  payload: Uint8Array,
  device: { readonly deviceId: string; readonly uptimeSeconds: number },
): RpcAnswer {
  if (payload.length > limitBytes) return ignored(payload, 'too large')
  const request = parseObject(payload)
  if (request === undefined) return ignored(payload, 'not a JSON object')
  const { id, method } = request
  if (!isId(id)) return ignored(payload, 'no id')
  const name = printable(id)
  if (typeof method !== 'string') {
    const error = { code: 'METHOD_MISSING', message: '"method" must be a string' }
    return { reply: { id, error }, line: `request ${name}: no method` }
  }
  if (method !== 'ping') {
    const error = { code: 'METHOD_UNKNOWN', message: 'this device knows the method ping alone' }
    return { reply: { id, error }, line: `request ${name}: unknown method ${printable(method)}` }
  }
  const result = { pong: true, deviceId: device.deviceId, uptimeSeconds: device.uptimeSeconds }
  return { reply: { id, result }, line: `request ${name}: ping answered` }
}

function ignored(payload: Uint8Array, reason: string): RpcAnswer {
  return { line: `ignored a request of ${payload.length} octets: ${reason}` }
}

function parseObject(payload: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id !== '' && id.length <= 128)
}

/** Quoted, with control characters escaped, and cut: a log line stays one line. */
function printable(value: string | number): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 64) : value)
}
