import { PkiError } from '@fleetcert/x509'
import { type ReadRpc, type RpcOutcome, readRpc } from './rpc-message.ts'

/** How a platform wants to hear from a device: topics and JSON. */
export interface TelemetryProfile {
  readonly telemetryTopic: string
  readonly attributesTopic: string
  /** Where the platform sends attributes that it sets; none where it sets none. */
  readonly attributeUpdatesTopic?: string
  /** What is subscribed to for requests. */
  readonly requestFilter: string
  /** Values as they are published; `at` is when they were measured. */
  telemetry(values: Readonly<Record<string, unknown>>, at: Date | undefined): object
  /** Reads a message; `undefined` for a topic on which no requests come. */
  readRequest(topic: string, payload: Uint8Array): ReadRpc | undefined
  /** Where the reply to a request goes, and what it is. */
  reply(id: string | number, outcome: RpcOutcome): { readonly topic: string; readonly body: unknown }
}

/** Which profile; from a file of configuration, say. */
export type TelemetryProfileOptions =
  | {
      /** `users/<owner>/devices/<device>/…`, or `devices/<device>/…` without an owner. */
      readonly kind: 'fleetcert'
      readonly deviceId: string
      readonly owner?: string
    }
  | {
      /** `v1/devices/me/…`: who the device is the platform knows by its certificate. */
      readonly kind: 'thingsboard'
    }

/**
 * The profile of a platform, so that a device moves from one to another by configuration.
 *
 * @throws PkiError `ERR_PKI_DEVICE_ID` for an id that would mean something else in a topic; TypeError for another kind
 * @see https://thingsboard.io/docs/reference/mqtt-api/
 */
export function telemetryProfile(options: TelemetryProfileOptions): TelemetryProfile {
  if (options.kind === 'fleetcert') return fleetcertProfile(topicPrefix(options.deviceId, options.owner))
  if (options.kind === 'thingsboard') return thingsboardProfile()
  throw new TypeError('"kind" must be "fleetcert" or "thingsboard"')
}

function fleetcertProfile(prefix: string): TelemetryProfile {
  const requestTopic = `${prefix}/rpc/request`
  return {
    telemetryTopic: `${prefix}/telemetry`,
    attributesTopic: `${prefix}/attributes`,
    requestFilter: requestTopic,
    telemetry: (values, at) => (at === undefined ? values : { at: at.toISOString(), ...values }),
    readRequest: (topic, payload) => (topic === requestTopic ? readRpc(payload) : undefined),
    reply: (id, outcome) => ({ topic: `${prefix}/rpc/response`, body: { id, ...outcome } }),
  }
}

function thingsboardProfile(): TelemetryProfile {
  const prefix = 'v1/devices/me'
  const requests = `${prefix}/rpc/request/`
  return {
    telemetryTopic: `${prefix}/telemetry`,
    attributesTopic: `${prefix}/attributes`,
    attributeUpdatesTopic: `${prefix}/attributes`,
    requestFilter: `${requests}+`,
    telemetry: (values, at) => (at === undefined ? values : { ts: at.getTime(), values }),
    readRequest(topic, payload) {
      if (!topic.startsWith(requests)) return undefined
      const id = topic.slice(requests.length)
      // It goes into the topic of the reply. ThingsBoard counts.
      return /^[0-9A-Za-z-]{1,64}$/.test(id) ? readRpc(payload, id) : { ignored: 'no id' }
    },
    reply: (id, outcome) => ({
      topic: `${prefix}/rpc/response/${id}`,
      body: 'result' in outcome ? outcome.result : outcome,
    }),
  }
}

function topicPrefix(deviceId: string, owner: string | undefined): string {
  const device = `devices/${checkId(deviceId, 'deviceId')}`
  return owner === undefined ? device : `users/${checkId(owner, 'owner')}/${device}`
}

// Both go into topics, where + # and / would mean something.
function checkId(id: string, field: 'owner' | 'deviceId'): string {
  if (typeof id !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/.test(id)) {
    throw new PkiError('ERR_PKI_DEVICE_ID', { field })
  }
  return id
}
