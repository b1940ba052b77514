import { isPkiError, PkiError } from '@fleetcert/x509'
import { callListener } from '../call-listener.ts'
import type { DeviceConnection } from '../device-connection.ts'
import { readJsonObject } from '../read-json-object.ts'
import { rpcLimitBytes, writeJson } from './rpc-message.ts'
import { createRpcResponder, type RpcEvent, type RpcMethod, type RpcPacket } from './rpc-responder.ts'
import type { TelemetryProfile } from './telemetry-profile.ts'

/** What a device tells, and what it answers. */
export interface TelemetryOptions {
  readonly profile: TelemetryProfile
  /** By name. Without any, requests are not subscribed to. */
  readonly methods?: Readonly<Record<string, RpcMethod>>
  /** How long a method may take. Default 30. */
  readonly timeoutSeconds?: number
  /** How many requests may be under way; the next one gets `BUSY`. Default 16. */
  readonly maxConcurrent?: number
  /** What becomes of each request, for a log. */
  readonly onRequest?: (event: RpcEvent) => void
  /** Takes attributes that the platform sets. Check them before you use them. */
  readonly onAttributes?: (values: Readonly<Record<string, unknown>>) => void
}

/** A device's telemetry on its connection. */
export interface DeviceTelemetry extends AsyncDisposable {
  /**
   * Publishes values with QoS 1; resolves when the broker has them. While the broker is away they wait.
   *
   * @throws PkiError `ERR_PKI_QUEUE_FULL`, `ERR_PKI_CLOSED`; RangeError for values that are no JSON of at most 64 KiB
   */
  publish(values: Readonly<Record<string, unknown>>, options?: PublishTelemetryOptions): Promise<void>
  /** Publishes attributes: what seldom changes, as the version of the firmware. Otherwise as {@link DeviceTelemetry.publish}. */
  publishAttributes(values: Readonly<Record<string, unknown>>): Promise<void>
  /** Answers no more requests. The connection stays open. */
  close(): Promise<void>
}

/** More about published values. */
export interface PublishTelemetryOptions {
  /** When they were measured. Default: the platform takes the time of arrival. */
  readonly at?: Date
}

/**
 * Gives a connection telemetry, attributes and requests in the words of a platform. Resolves when requests are subscribed to.
 *
 * A request is answered once, also when the broker brings it again (DUP); one that is retained is not answered at all. Foreign octets never throw: what is no request is ignored and told to `onRequest`.
 *
 * @throws PkiError `ERR_PKI_BROKER_REFUSED` when a subscription is not allowed, `ERR_PKI_UNREACHABLE` when the connection is lost over it
 * @example
 * ```ts
 * const telemetry = await openTelemetry(connection, {
 *   profile: telemetryProfile({ kind: 'thingsboard' }),
 *   methods: { ping: () => ({ pong: true }) },
 * })
 * await telemetry.publish({ celsius: 21.5 })
 * ```
 */
export async function openTelemetry(connection: DeviceConnection, options: TelemetryOptions): Promise<DeviceTelemetry> {
  const { profile, methods = {}, timeoutSeconds = 30, maxConcurrent = 16, onRequest, onAttributes } = options
  const { client } = connection
  const send = async (topic: string, body: unknown): Promise<void> => {
    const text = writeJson(body)
    if (text === undefined) throw new RangeError('"values" must be JSON of at most 64 KiB')
    await client.publishAsync(topic, text, { qos: 1 })
  }
  const responder = createRpcResponder({
    ...{ profile, methods, timeoutSeconds, maxConcurrent, onRequest },
    // A reply that does not fit into the queue is lost, as one is whose broker never comes back.
    publish: (topic, text) => void client.publishAsync(topic, text, { qos: 1 }).catch(() => {}),
  })
  const onMessage = (topic: string, payload: Uint8Array, packet: Omit<RpcPacket, 'topic' | 'payload'>): void => {
    responder.take({ topic, payload, retain: packet.retain === true, dup: packet.dup === true })
    if (topic !== profile.attributeUpdatesTopic) return
    const values = readJsonObject(payload, rpcLimitBytes)
    // Thrown from here MQTT.js would never read on.
    if (values !== undefined) callListener(() => onAttributes?.(values))
  }
  const filters = [
    ...(Object.keys(methods).length > 0 ? [profile.requestFilter] : []),
    ...(onAttributes !== undefined && profile.attributeUpdatesTopic !== undefined
      ? [profile.attributeUpdatesTopic]
      : []),
  ]
  client.on('message', onMessage)
  const close = async (): Promise<void> => {
    client.off('message', onMessage)
    responder.close()
  }
  try {
    if (filters.length > 0) await client.subscribeAsync(filters, { qos: 1 })
  } catch (cause) {
    await close()
    if (isPkiError(cause)) throw cause
    // MQTT 3.1.1 section 3.9.3: 0x80 is a failure.
    throw Number((cause as { readonly packet?: { readonly granted?: readonly number[] } }).packet?.granted?.length) > 0
      ? new PkiError('ERR_PKI_BROKER_REFUSED', { reason: `no subscription to ${filters.join(', ')}` }, { cause })
      : new PkiError('ERR_PKI_UNREACHABLE', { reason: 'the connection was lost over a subscription' }, { cause })
  }
  return {
    publish: (values, { at } = {}) => send(profile.telemetryTopic, profile.telemetry(values, at)),
    publishAttributes: values => send(profile.attributesTopic, values),
    close,
    [Symbol.asyncDispose]: close,
  }
}
