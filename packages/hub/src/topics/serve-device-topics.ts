import { type Fleet, PkiError } from '@fleetcert/core'
import type { DeviceOptions } from '../device/device-options.ts'
import { createDeviceServices } from '../device/device-services.ts'
import { toldError } from '../exchange/error-answer.ts'
import type { HubOptions } from '../hub.ts'
import { answerRequest } from './answer-request.ts'
import { readId, readRequest } from './pki-request.ts'
import { type PkiTopic, pkiTopic, requestFilters } from './pki-topic.ts'

/** What is used of an MQTT client; that of MQTT.js fits. It connects with a certificate of the role `service`. */
export interface DeviceTopicsClient {
  /** As node's EventEmitter. */
  on(event: 'message', listener: DeviceTopicsListener): unknown
  /** As node's EventEmitter. */
  removeListener(event: 'message', listener: DeviceTopicsListener): unknown
  /** Resolves what was granted; `qos` of 128 and more is a refusal. */
  subscribeAsync(topics: string[], options: { qos: 1 }): Promise<unknown>
  /** Resolves when the broker knows. */
  unsubscribeAsync(topics: string[]): Promise<unknown>
  /** Resolves when the broker has it. */
  publishAsync(topic: string, payload: string, options: { qos: 1 }): Promise<unknown>
}

/** Hears of every message of the client. */
export type DeviceTopicsListener = (
  topic: string,
  payload: Uint8Array,
  packet: {
    /** Kept by the broker since some time before. */
    readonly retain?: boolean
  },
) => void

/** Options of {@link serveDeviceTopics}. */
export interface DeviceTopicsOptions {
  /** Opened and closed by the caller. */
  readonly fleet: Fleet
  /** Connected and ended by the caller. It may be used for other things beside this. */
  readonly client: DeviceTopicsClient
  /** As of `createHub`: told to devices when they renew. */
  readonly broker: HubOptions['broker']
  /** As of `createHub`. Here `renewalInfoSeconds` and `maximumConcurrent` count. */
  readonly device?: Pick<DeviceOptions, 'renewalInfoSeconds' | 'maximumConcurrent'>
  /** Several processes that name the same group share the requests (`$share/<group>/…`), where the broker can do that: each request is answered once. Without it each process answers each. */
  readonly shareGroup?: string
  /** Of `fleet`. Default: the system's. */
  readonly clock?: () => Date
  /** Hears of what devices are not told, and of answers that could not be sent. Default `console.error`. */
  readonly onError?: (error: unknown, request: { readonly topic: string }) => void
}

/** Devices being served. */
export interface DeviceTopics extends AsyncDisposable {
  /** Takes no more requests and resolves when those under way are answered, at the latest after five seconds. The client stays connected. */
  close(): Promise<void>
}

const closeMilliseconds = 5000
/** How many refusals may wait for the broker beside the answers; what is beyond gets none, and the device asks again. */
const mostRefusals = 256

/**
 * Serves devices over MQTT what the HTTP routes serve over TLS: `renewalInfo`, `renew` and `confirm`, on `…/pki/request` below each device's own prefix, answered on `…/pki/response`. Subscribes both forms of the
 * prefix, `users/<owner>/devices/<id>` and `devices/<id>`; a default topic template lets a device use both topics, and nobody else's.
 *
 * The broker is not trusted: a renewal is signed by the key of the current certificate, a confirmation by that of the new one. Retained requests are none. Of a device one request at a time is worked at. Never throws for what comes in.
 *
 * @example
 * const client = connect('mqtts://broker.example:8883', { key, cert, ca: fleet.trustAnchors, clientId: 'backend-1' })
 * const topics = await serveDeviceTopics({ fleet, client, broker: { url: 'mqtts://broker.example:8883', mqttSecurePort: 8883 } })
 *
 * @throws TypeError, RangeError for options that cannot work; rejects when the subscription is refused
 */
export async function serveDeviceTopics(options: DeviceTopicsOptions): Promise<DeviceTopics> {
  const { client, shareGroup } = options
  if (shareGroup !== undefined && !/^[A-Za-z0-9_.-]{1,64}$/.test(shareGroup)) {
    throw new TypeError('serveDeviceTopics: shareGroup: expected letters, digits and . _ -')
  }
  const filters = requestFilters.map(filter => (shareGroup === undefined ? filter : `$share/${shareGroup}/${filter}`))
  const services = createDeviceServices(options)
  const report = (error: unknown, topic: string): void => {
    try {
      const listener = options.onError ?? ((failure: unknown) => console.error(failure))
      listener(error, { topic })
    } catch {
      // Nobody is left to tell.
    }
  }
  const busyDevices = new Set<string>()
  const underWay = new Set<Promise<void>>()
  let refusals = 0

  const send = async (topic: PkiTopic, answer: object): Promise<void> => {
    try {
      await client.publishAsync(topic.response, JSON.stringify(answer), { qos: 1 })
    } catch (error) {
      report(error, topic.response)
    }
  }

  const sendError = async (topic: PkiTopic, id: string, error: unknown): Promise<void> => {
    const { status, ...told } = toldError(error)
    if (status >= 500 && told.code !== 'ERR_PKI_BUSY') report(error, topic.response)
    if (refusals >= mostRefusals) return
    refusals += 1
    await send(topic, { id, error: told })
    refusals -= 1
  }

  const serve = async (topic: PkiTopic, id: string, value: object): Promise<void> => {
    const { deviceId } = topic
    try {
      if (busyDevices.has(deviceId)) throw new PkiError('ERR_PKI_BUSY', { retryAfterSeconds: 5 })
      busyDevices.add(deviceId)
      try {
        // The answer is part of the work: a broker that takes none must not let results pile up.
        await services.renewals.run(async () => {
          const result = await answerRequest(services, topic, readRequest(value))
          await send(topic, { id, result })
        })
      } finally {
        busyDevices.delete(deviceId)
      }
    } catch (error) {
      await sendError(topic, id, error)
    }
  }

  const listener: DeviceTopicsListener = (name, payload, packet) => {
    // A request that the broker has kept was made some other time, by whoever.
    if (packet.retain === true) return
    const topic = pkiTopic(name)
    const request = topic === undefined ? undefined : readId(payload)
    if (topic === undefined || request === undefined) return
    const served = serve(topic, request.id, request.value).finally(() => underWay.delete(served))
    underWay.add(served)
  }

  client.on('message', listener)
  try {
    const granted = await client.subscribeAsync([...filters], { qos: 1 })
    if (Array.isArray(granted) && granted.some(grant => Number((grant as { qos?: unknown } | null)?.qos) >= 128)) {
      throw new PkiError('ERR_PKI_BROKER_REFUSED', { reason: 'the subscription to the requests of devices' })
    }
  } catch (error) {
    client.removeListener('message', listener)
    throw error
  }

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    client.removeListener('message', listener)
    const late = AbortSignal.timeout(closeMilliseconds)
    const over = new Promise<void>(resolve => late.addEventListener('abort', () => resolve(), { once: true }))
    const done = Promise.all([client.unsubscribeAsync([...filters]).catch(() => undefined), ...underWay])
    await Promise.race([done, over])
  }
  const topics: DeviceTopics = {
    close() {
      closed ??= close()
      return closed
    },
    [Symbol.asyncDispose]: () => topics.close(),
  }
  return topics
}
