import type { PkiError } from '@fleetcert/x509'
import type { MqttClient } from 'mqtt'
import type { RenewalEvents } from './renewal/renewal-events.ts'

/** The broker sent CONNACK. */
export interface ConnectedEvent {
  /** Whether the broker still had the session. */
  readonly sessionPresent: boolean
}

/** A session is over. */
export interface ClosedEvent {
  /** Why, where something is known: a DISCONNECT of the broker (MQTT 5), or an error of the connection. */
  readonly error?: PkiError
  readonly willReconnect: boolean
}

/** An attempt follows. */
export interface ReconnectingEvent {
  /** 1 for the first attempt after a session. */
  readonly attempt: number
  readonly delaySeconds: number
}

/** What is reported, by event. */
export interface DeviceEvents extends RenewalEvents {
  connected: ConnectedEvent
  closed: ClosedEvent
  /** The broker said no: `ERR_PKI_CLIENT_*` or `ERR_PKI_BROKER_REFUSED`; or the hub did: `ERR_PKI_HUB_REFUSED`. Attempts go on: a person may let the device in again. */
  refused: PkiError
  reconnecting: ReconnectingEvent
  /** An attempt failed for any other reason. */
  error: PkiError
}

/** All of them. @internal */
export const deviceEventNames: readonly (keyof DeviceEvents)[] = [
  'connected',
  'closed',
  'refused',
  'reconnecting',
  'error',
  'renewing',
  'renewed',
  'renewalFailed',
  'expiring',
  'trustUpdated',
]

/** A device's connection to its broker, kept up until it is closed. */
export interface DeviceConnection extends AsyncDisposable {
  /** MQTT.js itself, to publish and subscribe with. Its options hold no key. */
  readonly client: MqttClient
  readonly deviceId: string
  /** Listens; returns the function that ends it. Nothing is thrown when nobody listens to `error`. */
  on<Name extends keyof DeviceEvents>(event: Name, listener: (value: DeviceEvents[Name]) => void): () => void
  /**
   * Ends the session and connects again at once, so that a new credential is used or a server's new address is found: waits up to two seconds for what is in flight, sends DISCONNECT (no will is published), reads the
   * credential and connects, without a back-off. Messages published meanwhile wait; QoS 1 and 2 in flight are sent again. While there is no session it makes the next attempt now, unless the broker asked to wait.
   *
   * Resolves with the next CONNACK. If that one attempt fails it rejects with its error, and attempts go on as after any lost session.
   *
   * @throws PkiError as {@link connectDevice}; `ERR_PKI_CLOSED` when the connection is closed
   */
  reconnectNow(): Promise<void>
  /**
   * Waits up to five seconds for what is in flight, sends DISCONNECT and ends. What was not acknowledged by then fails with `ERR_PKI_CLOSED`. Idempotent.
   */
  close(): Promise<void>
}
