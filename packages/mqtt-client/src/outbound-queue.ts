import { Buffer } from 'node:buffer'
import { PkiError } from '@fleetcert/x509'
import type { IClientPublishOptions, MqttClient } from 'mqtt'
import { callListener } from './call-listener.ts'

type Callback = (error?: Error, packet?: unknown) => void
type Message = {
  readonly topic: string
  readonly payload: string | Buffer
  readonly options: IClientPublishOptions | undefined
  readonly callback: Callback | undefined
  readonly bytes: number
}

// Of a PUBLISH: type, length, length of the topic, packet identifier, length of the properties.
const leastOverhead = 7

/** How much may wait, and how much may be on its way. @internal */
export interface OutboundLimits {
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  /** Messages that the broker has not acknowledged; a broker of MQTT 5 may allow less. */
  readonly maxInFlight: number
}

/** Holds what is published until it can be sent. @internal */
export interface OutboundQueue {
  /** Nothing is handed over any more, subscriptions neither, until {@link OutboundQueue.release}. */
  hold(): void
  release(): void
  /** Whether nothing waits to be written. */
  isEmpty(): boolean
  /** Fails what waits with `ERR_PKI_CLOSED`, and what is published from now on. */
  fail(): void
  /** Nothing new is taken any more; what waits is still sent. */
  shut(): void
}

/**
 * Stands in front of `publish`, `subscribe` and `unsubscribe` of one MqttClient; their `…Async` go through it too. MQTT.js alone
 *
 * - keeps all that is published while the broker is away, without a bound,
 * - sends more than the broker said it takes, which then fails: MQTT 5 section 3.3.4, "The Client MUST NOT send more than Receive Maximum QoS 1 and QoS 2 PUBLISH packets for which it has not received PUBACK, PUBCOMP, or
 *   PUBREC with a Reason Code of 128 or greater from the Server" [MQTT-3.3.4-9],
 * - fails what is published while it sends its backlog again, when that connection is lost too,
 * - never calls back for a message of QoS 0 that waited for a socket which then broke.
 *
 * @internal
 */
export function createOutboundQueue(client: MqttClient, limits: OutboundLimits): OutboundQueue {
  const publish = client.publish.bind(client) as (
    topic: string,
    payload: string | Buffer,
    options: IClientPublishOptions | undefined,
    callback: Callback,
  ) => MqttClient
  const waiting: Message[] = []
  const unacknowledged = new Set<Callback>()
  const unwritten = new Set<Callback>()
  let waitingBytes = 0
  let isHeld = false
  let isShut = false
  let isReady = false
  let isPumping = false

  client.publish = ((topic: string, payload: string | Buffer, ...rest: readonly unknown[]) => {
    const callback = rest.map(guarded).find(one => typeof one === 'function') as Callback | undefined
    const options = typeof rest[0] === 'object' && rest[0] !== null ? (rest[0] as IClientPublishOptions) : undefined
    const refused = take(topic, payload, options, callback)
    if (refused !== undefined) queueMicrotask(() => callback?.(refused))
    return client
  }) as MqttClient['publish']

  const held: (() => void)[] = []
  client.subscribe = holdable(client.subscribe)
  client.unsubscribe = holdable(client.unsubscribe)

  // A session that ends would fail them.
  function holdable<Method extends (...parameters: never[]) => MqttClient>(method: Method): Method {
    const bound = method.bind(client) as (...parameters: readonly unknown[]) => MqttClient
    const wrapped = (...given: readonly unknown[]): MqttClient => {
      const parameters = given.map(guarded)
      if (!isHeld) return bound(...parameters)
      held.push(() => bound(...parameters))
      return client
    }
    return wrapped as unknown as Method
  }

  function take(
    topic: string,
    payload: string | Buffer,
    options: IClientPublishOptions | undefined,
    callback: Callback | undefined,
  ): PkiError | undefined {
    // A broker answers such a topic by hanging up, and would again each time that the message is sent again.
    if (/[+#\0]/.test(topic)) throw new TypeError('"topic" must not hold +, # or NUL')
    if (isShut) return new PkiError('ERR_PKI_CLOSED', {})
    const bytes = Buffer.byteLength(payload) + Buffer.byteLength(topic)
    // MQTT 5 section 3.2.2.3.6: "The Client MUST NOT send packets exceeding Maximum Packet Size to the Server" [MQTT-3.2.2-15].
    const limitBytes = client.serverProperties?.maximumPacketSize
    if (limitBytes !== undefined && bytes + leastOverhead > limitBytes) {
      return new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
    }
    if (waiting.length === 0 && maySend()) {
      send({ topic, payload, options, callback, bytes })
      return undefined
    }
    if (waiting.length >= limits.maxQueuedMessages || waitingBytes + bytes > limits.maxQueuedBytes) {
      return new PkiError('ERR_PKI_QUEUE_FULL', { messages: waiting.length, bytes: waitingBytes })
    }
    waitingBytes += bytes
    // Copies: the caller may use the buffer again.
    const kept = typeof payload === 'string' ? payload : Buffer.from(payload)
    waiting.push({ topic, payload: kept, options: options && { ...options }, callback, bytes })
    return undefined
  }

  function maySend(): boolean {
    const allowed = Math.min(limits.maxInFlight, client.serverProperties?.receiveMaximum ?? Number.POSITIVE_INFINITY)
    return isReady && !isHeld && unacknowledged.size + unwritten.size < allowed
  }

  function send({ topic, payload, options, callback }: Message): void {
    const set = (options?.qos ?? 0) > 0 ? unacknowledged : unwritten
    const done: Callback = (error, packet) => {
      if (!set.delete(done)) return
      callback?.(error, packet)
      pump()
    }
    set.add(done)
    publish(topic, payload, options, done)
  }

  function pump(): void {
    // What is written at once calls back at once.
    if (isPumping) return
    isPumping = true
    while (waiting.length > 0 && maySend()) {
      const message = waiting.shift()!
      waitingBytes -= message.bytes
      send(message)
    }
    isPumping = false
  }

  // Not with CONNACK: until `connect` MQTT.js sends its backlog again.
  client.on('connect', () => {
    isReady = true
    pump()
  })
  client.on('close', () => {
    isReady = false
    for (const done of [...unwritten]) done(new Error('Connection closed'))
  })

  return {
    hold() {
      isHeld = true
    },
    release() {
      isHeld = false
      for (const call of held.splice(0)) call()
      pump()
    },
    isEmpty: () => waiting.length + unwritten.size === 0,
    shut() {
      isShut = true
    },
    fail() {
      isShut = true
      waitingBytes = 0
      const failed = [...unwritten, ...waiting.splice(0).map(({ callback }) => callback)]
      for (const callback of failed) callback?.(new PkiError('ERR_PKI_CLOSED', {}))
    },
  }
}

/** A callback whose mistakes stop neither what waits nor MQTT.js, which never reads or connects on after one. */
function guarded(parameter: unknown): unknown {
  if (typeof parameter !== 'function') return parameter
  return (...results: readonly unknown[]) => callListener(() => parameter(...results))
}
