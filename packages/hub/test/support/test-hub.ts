import {
  type Fleet,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  PkiError,
  type Store,
} from '@fleetcert/core'
import { createBrokerAuth, type Denial } from '@fleetcert/emqx-auth'
import { anyOf, bearerToken, createHub, type Hub, type HubOptions, sharedSecret } from '@fleetcert/hub'

export const operatorToken = 'operator-token'
export const brokerSecret = 'broker-secret'
export const asOperator: Readonly<Record<string, string>> = { authorization: `Bearer ${operatorToken}` }
export const asBroker: Readonly<Record<string, string>> = { 'x-broker-secret': brokerSecret }
export const certificates = '/api/devices/certificates'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

export interface TestHub {
  readonly fleet: Fleet
  readonly hub: Hub
  readonly errors: unknown[]
  readonly denials: Denial[]
  /** Makes every call into the store reject, until called with false. */
  breakStore(isBroken: boolean): void
  /** Asks the Web face; an object as `body` is sent as JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<Reply>
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A hub on a real fleet in memory. */
export async function openTestHub(
  options: Partial<HubOptions> & { readonly open?: Partial<OpenFleetOptions> } = {},
): Promise<TestHub> {
  const errors: unknown[] = []
  const denials: Denial[] = []
  const { store, breakStore } = breakableStore(memoryStore())
  const { open, ...hubOptions } = options
  const fleet = await openFleet({ store, keyring: memoryKeyring(), background: false, ...open })
  const hub = createHub({
    fleet,
    auth: createBrokerAuth({ fleet }),
    authorize: anyOf(bearerToken(operatorToken), sharedSecret({ header: 'x-broker-secret', secret: brokerSecret })),
    broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 },
    onError: error => errors.push(error),
    onDeny: denial => denials.push(denial),
    ...hubOptions,
  })
  return {
    fleet,
    hub,
    errors,
    denials,
    breakStore,
    call: async (method, path, { headers = asOperator, body } = {}) =>
      replyOf(await hub(new Request(`http://hub.example${path}`, { method, ...encode(headers, body) }))),
  }
}

/** Headers and body of a call, as `fetch` and `Request` take them. */
export function encode(
  headers: Readonly<Record<string, string>>,
  body: unknown,
): { headers: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } {
  if (body === undefined) return { headers: { ...headers } }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    return { headers: { ...headers }, body: body as string | Uint8Array<ArrayBuffer> }
  }
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json' && text !== ''
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** A store whose every method fails on demand, as one that cannot be reached. */
function breakableStore(real: Store): { store: Store; breakStore(isBroken: boolean): void } {
  let isDown = false
  const store = new Proxy(real, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (isDown && name !== 'close') {
          return Promise.reject(new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'secret-host:6379 refused' }))
        }
        return Reflect.apply(value, target, args)
      }
    },
  })
  return {
    store,
    breakStore(isBroken) {
      isDown = isBroken
    },
  }
}

/** All of an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
