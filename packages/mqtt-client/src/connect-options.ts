import type { DeviceIdentity } from './device-identity.ts'

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

/** Full jitter: each delay is random between 0 and a ceiling, which doubles from `minSeconds` to `maxSeconds`. */
export interface ReconnectOptions {
  /** The first ceiling. Default 2. */
  readonly minSeconds?: number
  /** The last ceiling. Default 120. */
  readonly maxSeconds?: number
}

/**
 * How a device connects. What is not listed here is not passed on: TLS is 1.2 or later, the server's certificate and name are always checked, and no option changes that.
 */
export interface ConnectDeviceOptions {
  readonly identity: DeviceIdentity
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
  /** `false`: the connection ends when it is lost. */
  readonly reconnect?: ReconnectOptions | false
  /** Aborts the first connect. Later it does nothing: close the connection. */
  readonly signal?: AbortSignal
}

/** The options with their defaults, checked. @internal */
export interface ConnectSettings {
  readonly identity: DeviceIdentity
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly keepaliveSeconds: number
  readonly connectTimeoutSeconds: number
  readonly serverName: string
  readonly clean: boolean
  readonly sessionExpirySeconds: number
  readonly will: DeviceWill | undefined
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
    clientId: checkText('clientId', options.clientId ?? identity.deviceId),
    protocolVersion,
    keepaliveSeconds: checkWhole('keepaliveSeconds', options.keepaliveSeconds ?? 60, 65_535),
    connectTimeoutSeconds: checkSeconds('connectTimeoutSeconds', options.connectTimeoutSeconds ?? 30, 0.001, 3600),
    // RFC 6066 section 3: the name goes "without a trailing dot".
    serverName: checkText('serverName', options.serverName ?? host).replace(/\.$/, ''),
    clean: options.clean ?? true,
    sessionExpirySeconds: checkWhole('sessionExpirySeconds', options.sessionExpirySeconds ?? 86_400, 0xffff_ffff),
    will,
    reconnect: reconnect === false ? false : readReconnect(reconnect),
  }
}

function readReconnect({ minSeconds = 2, maxSeconds = 120 }: ReconnectOptions): Required<ReconnectOptions> {
  checkSeconds('reconnect.minSeconds', minSeconds, 0.001, 86_400)
  return { minSeconds, maxSeconds: checkSeconds('reconnect.maxSeconds', maxSeconds, minSeconds, 86_400) }
}

function checkText(name: string, value: string): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  return value
}

function checkSeconds(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new RangeError(`"${name}" must be a number from ${least} to ${most}`)
  }
  return value
}

function checkWhole(name: string, value: number, most: number): number {
  if (!Number.isInteger(value)) throw new RangeError(`"${name}" must be an integer`)
  return checkSeconds(name, value, 0, most)
}
