import { createHash } from 'node:crypto'
import { callListener } from '../call-listener.ts'
import { plainText } from '../plain-text.ts'
import { type RpcOutcome, type RpcRequest, rpcError, writeJson } from './rpc-message.ts'
import type { TelemetryProfile } from './telemetry-profile.ts'

/** Answers a request. What it throws stays in the device: the caller gets `METHOD_FAILED`. */
export type RpcMethod = (
  params: unknown,
  request: {
    readonly id: string | number
    /** Aborts when nobody waits for the answer any more. */
    readonly signal: AbortSignal
  },
) => unknown

/** What became of a message on the topic of requests. Texts of strangers in it are cut and on one line. */
export type RpcEvent =
  | { readonly outcome: 'ignored'; readonly octets: number; readonly reason: string }
  | {
      readonly outcome: 'answered' | 'repeated' | 'refused'
      readonly id: string
      readonly method?: string
      /** Why there was no result: the code that the caller got. */
      readonly code?: string
      /** What the method threw. */
      readonly error?: unknown
    }

export interface RpcResponderOptions {
  readonly profile: TelemetryProfile
  readonly methods: Readonly<Record<string, RpcMethod>>
  readonly timeoutSeconds: number
  readonly maxConcurrent: number
  readonly publish: (topic: string, text: string) => void
  readonly onRequest: ((event: RpcEvent) => void) | undefined
}

/** A message as MQTT brings it. */
export interface RpcPacket {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain?: boolean
  readonly dup?: boolean
}

// QoS 1 is at least once: what was asked last is remembered, so that a door does not open twice.
const mostRemembered = 64

/** Takes messages one by one, answers those that are requests, and never throws. */
export function createRpcResponder(options: RpcResponderOptions): { take(packet: RpcPacket): void; close(): void } {
  const { profile, methods, timeoutSeconds, maxConcurrent, publish, onRequest } = options
  const remembered = new Map<string, Promise<RpcOutcome>>()
  const running = new Set<AbortController>()
  let isClosed = false

  function take({ topic, payload, retain, dup }: RpcPacket): void {
    const read = profile.readRequest(topic, payload)
    if (read === undefined) return
    // It is from before this device was there, and comes again with each subscription.
    const ignored = retain === true ? 'retained' : 'ignored' in read ? read.ignored : undefined
    if (ignored !== undefined) tell({ outcome: 'ignored', octets: payload.length, reason: ignored })
    else if ('outcome' in read) answer(read.id, read.outcome)
    else if ('request' in read) void serve(read.request, keyOf(topic, payload), dup === true)
  }

  async function serve(request: RpcRequest, key: string, isAgain: boolean): Promise<void> {
    const known = isAgain ? remembered.get(key) : undefined
    if (known !== undefined) {
      answer(request.id, await known, { method: request.method, isRepeated: true })
      return
    }
    let error: unknown
    const outcome = run(request, caught => {
      error = caught
    })
    remembered.set(key, outcome)
    for (const oldest of remembered.keys()) {
      if (remembered.size <= mostRemembered) break
      remembered.delete(oldest)
    }
    const told = await outcome
    answer(request.id, told, { method: request.method, ...(error === undefined ? {} : { error }) })
  }

  async function run({ id, method, params }: RpcRequest, onThrow: (error: unknown) => void): Promise<RpcOutcome> {
    const called = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (called === undefined) return rpcError('METHOD_UNKNOWN', 'this device does not know the method')
    if (running.size >= maxConcurrent) return rpcError('BUSY', 'too many requests at a time')
    const ended = new AbortController()
    const { signal } = ended
    running.add(ended)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      ended.abort()
    }, timeoutSeconds * 1000)
    try {
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      const result = (await Promise.race([called(params, { id, signal }), aborted])) ?? null
      // Read back, so that the reply is what was checked.
      const text = writeJson(result)
      return text === undefined
        ? rpcError('RESULT_INVALID', 'the result is too large, or cannot be written as JSON')
        : { result: JSON.parse(text) as unknown }
    } catch (caught) {
      if (isLate) return rpcError('TIMEOUT', 'the method did not answer in time')
      onThrow(caught)
      return rpcError('METHOD_FAILED', 'the method failed')
    } finally {
      clearTimeout(timer)
      running.delete(ended)
    }
  }

  function answer(
    id: string | number,
    outcome: RpcOutcome,
    about: { readonly method?: string; readonly error?: unknown; readonly isRepeated?: boolean } = {},
  ): void {
    if (isClosed) return
    const { topic, body } = profile.reply(id, outcome)
    publish(topic, JSON.stringify(body))
    const { method, error, isRepeated } = about
    tell({
      outcome: isRepeated === true ? 'repeated' : 'error' in outcome ? 'refused' : 'answered',
      id: plainText(String(id)),
      ...(method === undefined ? {} : { method: plainText(method) }),
      ...('error' in outcome ? { code: outcome.error.code } : {}),
      ...(error === undefined ? {} : { error }),
    })
  }

  function tell(event: RpcEvent): void {
    callListener(() => onRequest?.(event))
  }

  return {
    take,
    close() {
      isClosed = true
      for (const ended of running) ended.abort()
      remembered.clear()
    },
  }
}

function keyOf(topic: string, payload: Uint8Array): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64')
}
