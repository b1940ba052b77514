import type { DeviceIdentity } from './device-identity.ts'
import { type RenewalOptions, type RenewalSettings, readRenewalOptions } from './renewal/renewal-options.ts'

/** The message that the broker publishes when the device is gone without a DISCONNECT (MQTT 3.1.1 section 3.1.2.5). */
export interface DeviceWill {
  readonly topic: string
  readonly payload: string | Uint8Array
  /** Default 0. */
  readonly qos?: 0 | 1 | 2
  /** Default false. */
  readonly retain?: boolean
  /** How long the broker waits with it; MQTT 5 only. Default 0. */
  readonly delaySeconds?: number
}

/**
 * When to try again. Each delay is random between 0 and a ceiling that doubles (full jitter). The defaults are for a device that is one of many: a fleet of 1,000 makes about 20 attempts per second, whatever happened.
 * A device that is alone can do with `spreadSeconds: 2`.
 */
export interface ReconnectOptions {
  /** The first attempt after a connection on which nothing came any more is made within this time. Default 2. */
  readonly minSeconds?: number
  /** The first attempt after a session that the broker ended is made within this time, on average after a third of it; then it is the first ceiling. Default 90, or `maxSeconds` where that is less. */
  readonly spreadSeconds?: number
  /** The last ceiling. Default 120. */
  readonly maxSeconds?: number
  /** The last ceiling for a device that the broker refuses. Default 900, or `maxSeconds` where that is more. */
  readonly refusedMaxSeconds?: number
}

/**
 * How a device connects. What is not listed here is not passed on: TLS is 1.2 or later, the server's certificate and name are always checked, and no option changes that.
 */
export interface ConnectDeviceOptions {
  readonly identity: DeviceIdentity
  /** Keeps the certificate renewed as long as the connection is open. It needs an identity that can keep a new credential: `fileIdentity`, `memoryIdentity`, `storedIdentity`. Default: none. */
  readonly renewal?: RenewalOptions
  /** MQTT client identifier. Default: the device id. */
  readonly clientId?: string
  /** 4 is MQTT 3.1.1. Default 4. */
  readonly protocolVersion?: 4 | 5
  /** An integer from 0 to 65,535; 0 is none. Default 60. */
  readonly keepaliveSeconds?: number
  /** For TCP, TLS and CONNACK together. Default 30. */
  readonly connectTimeoutSeconds?: number
  /** The name that the server's certificate must hold, and that is sent as SNI unless it is an IP address. Default: the URL's host. */
  readonly serverName?: string
  /** `false`: the broker keeps subscriptions and messages while the device is away. Default true. */
  readonly clean?: boolean
  /** How long the broker keeps a session that is not `clean`; MQTT 5 only, where 3.1.1 leaves it to the broker. Default 86,400. */
  readonly sessionExpirySeconds?: number
  readonly will?: DeviceWill
  /** How many messages may be sent and not yet acknowledged; a broker of MQTT 5 may allow less. What is more waits. An integer from 1 to 65,535. Default 20, as mosquitto allows: in MQTT 3.1.1 it drops what is more of QoS 2 without a word. */
  readonly maxInFlight?: number
  /** How many messages may wait, mostly for a broker that is away; the next one fails with `ERR_PKI_QUEUE_FULL`. Default 10,000. */
  readonly maxQueuedMessages?: number
  /** How much those may hold together, topics and payloads. Default 16 MiB. */
  readonly maxQueuedBytes?: number
  /** `false`: the connection ends when it is lost. */
  readonly reconnect?: ReconnectOptions | false
  /** Aborts the first connect. Later it does nothing: close the connection. */
  readonly signal?: AbortSignal
}

/** The options with their defaults, checked. @internal */
export interface ConnectSettings {
  readonly identity: DeviceIdentity
  readonly renewal: RenewalSettings | undefined
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly keepaliveSeconds: number
  readonly connectTimeoutSeconds: number
  readonly serverName: string
  readonly clean: boolean
  readonly sessionExpirySeconds: number
  readonly will: DeviceWill | undefined
  readonly maxInFlight: number
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly reconnect: Required<ReconnectOptions> | false
}

/**
 * Checks the options and fills in defaults.
 *
 * @throws TypeError, RangeError
 */
export function readConnectOptions(options: ConnectDeviceOptions, host: string): ConnectSettings {
  const { identity, protocolVersion = 4, reconnect = {}, will } = options
  if (typeof identity?.credential !== 'function' || typeof identity.deviceId !== 'string') {
    throw new TypeError('"identity" must be a DeviceIdentity')
  }
  if (protocolVersion !== 4 && protocolVersion !== 5) throw new RangeError('"protocolVersion" must be 4 or 5')
  if (will !== undefined) checkText('will.topic', will.topic)
  return {
    identity,
    renewal: options.renewal === undefined ? undefined : readRenewalOptions(options.renewal),
    clientId: checkText('clientId', options.clientId ?? identity.deviceId),
    protocolVersion,
    keepaliveSeconds: checkWhole('keepaliveSeconds', options.keepaliveSeconds ?? 60, 65_535),
    connectTimeoutSeconds: checkNumber('connectTimeoutSeconds', options.connectTimeoutSeconds ?? 30, 0.001, 3600),
    // RFC 6066 section 3: the name goes "without a trailing dot".
    serverName: checkText('serverName', options.serverName ?? host).replace(/\.$/, ''),
    clean: options.clean ?? true,
    sessionExpirySeconds: checkWhole('sessionExpirySeconds', options.sessionExpirySeconds ?? 86_400, 0xffff_ffff),
    will,
    maxInFlight: checkWhole('maxInFlight', options.maxInFlight ?? 20, 65_535, 1),
    maxQueuedMessages: checkWhole('maxQueuedMessages', options.maxQueuedMessages ?? 10_000, 1_000_000),
    maxQueuedBytes: checkWhole('maxQueuedBytes', options.maxQueuedBytes ?? 16 * 1024 * 1024, 2 ** 30),
    reconnect: reconnect === false ? false : readReconnect(reconnect),
  }
}

function readReconnect(options: ReconnectOptions): Required<ReconnectOptions> {
  const { minSeconds = 2, spreadSeconds, maxSeconds, refusedMaxSeconds } = options
  checkNumber('reconnect.minSeconds', minSeconds, 0.001, 86_400)
  const least = Math.max(minSeconds, spreadSeconds ?? 0)
  const max = checkNumber('reconnect.maxSeconds', maxSeconds ?? Math.max(120, least), minSeconds, 86_400)
  return {
    minSeconds,
    spreadSeconds: checkNumber('reconnect.spreadSeconds', spreadSeconds ?? Math.min(90, max), 0.001, max),
    maxSeconds: max,
    refusedMaxSeconds: checkNumber('reconnect.refusedMaxSeconds', refusedMaxSeconds ?? Math.max(900, max), max, 86_400),
  }
}

function checkText(name: string, value: string): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  return value
}

function checkNumber(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new RangeError(`"${name}" must be a number from ${least} to ${most}`)
  }
  return value
}

function checkWhole(name: string, value: number, most: number, least = 0): number {
  if (!Number.isInteger(value)) throw new RangeError(`"${name}" must be an integer`)
  return checkNumber(name, value, least, most)
}
