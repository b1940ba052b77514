import { isPkiError, PkiError } from '@fleetcert/x509'
import { type IConnackPacket, MqttClient } from 'mqtt'
import { createBackOff } from './back-off.ts'
import type { BrokerAddress } from './broker-address.ts'
import { classifyConnectionError } from './classify-connection-error.ts'
import type { ConnectSettings } from './connect-options.ts'
import { attemptVerdict, connackCode, createAttempt } from './connection-attempt.ts'
import type { DeviceConnection, DeviceEvents } from './device-connection.ts'
import { createEventHub } from './event-hub.ts'
import { mqttOptions } from './mqtt-options.ts'
import { createCredentialReader, type TlsCredential } from './read-credential.ts'
import { openTlsStream } from './tls-stream.ts'

const closeSeconds = 5

/** A connection that is not open yet. */
export interface DeviceLink {
  readonly connection: DeviceConnection
  /** The first attempt. When it fails the link is closed. */
  open(signal?: AbortSignal): Promise<void>
}

/**
 * Puts MQTT.js under our own schedule: before each attempt the credential is read, after each failed one or lost session a back-off is waited for.
 *
 * One MqttClient lives through all of it, and is told `connect()`, never `reconnect()`: the latter replaces the stores of what is in flight and so loses QoS 1 and 2.
 */
export function createDeviceLink(address: BrokerAddress, settings: ConnectSettings): DeviceLink {
  const events = createEventHub<DeviceEvents>(['connected', 'closed', 'refused', 'reconnecting', 'error'])
  const backOff = createBackOff(settings.reconnect || { minSeconds: 1, maxSeconds: 1 })
  const readCredential = createCredentialReader(settings.identity)
  let credential: TlsCredential | undefined
  let attempt = createAttempt()
  let timer: NodeJS.Timeout | undefined
  let opening: { resolve(): void; reject(reason: unknown): void } | undefined
  let closing: Promise<void> | undefined

  const client = new MqttClient(
    () => openTlsStream(address, settings.serverName, credential!, attempt),
    mqttOptions(settings),
  )
  // With it MQTT.js would take messages after the end, for stores that are closed.
  client.options.manualConnect = false

  client.on('packetreceive', packet => {
    if (packet.cmd === 'disconnect') attempt.disconnect = packet
    if (packet.cmd !== 'connack') return
    attempt.connack = packet
    if (connackCode(packet) !== 0) return
    attempt.stage = 'session'
    attempt.connectedAt = performance.now()
  })
  client.on('connect', (packet: IConnackPacket) => {
    opening?.resolve()
    opening = undefined
    events.emit('connected', { sessionPresent: packet.sessionPresent })
  })
  client.on('error', error => {
    attempt.errors.add(error)
    // MQTT.js reports a packet that it cannot read and goes on. MQTT 3.1.1 [MQTT-4.8.0-1]: "it MUST close the Network Connection".
    if (!client.disconnecting && !client.stream.destroyed) client.stream.destroy()
  })
  client.on('close', onClose)
  // Also when somebody ends the MQTT.js client itself.
  client.on('end', () => void close())

  async function connect(): Promise<void> {
    attempt = createAttempt()
    try {
      credential = await readCredential()
      if (closing !== undefined) return
      if (opening === undefined) client.emit('reconnect')
      client.connect()
    } catch (error) {
      const known = isPkiError(error) ? error : classifyConnectionError(error, address)
      if (opening !== undefined) return opening.reject(known)
      report(known)
      scheduleConnect()
    }
  }

  function onClose(): void {
    // Once DISCONNECT is on its way the broker may drop the connection as it likes, by a reset too.
    const isLeaving = client.disconnecting && attempt.connectedAt !== undefined
    const verdict = (): PkiError | undefined =>
      attemptVerdict(attempt, { ...address, ...(credential && { certificate: credential }) })
    const error = isLeaving ? undefined : verdict()
    if (opening !== undefined) {
      opening.reject(error ?? new PkiError('ERR_PKI_CLOSED', {}))
      return
    }
    const { connectedAt } = attempt
    const willReconnect = closing === undefined && !client.disconnecting && settings.reconnect !== false
    if (connectedAt !== undefined) {
      backOff.ended((performance.now() - connectedAt) / 1000)
      events.emit('closed', { ...(error && { error }), willReconnect })
    } else if (closing === undefined && error !== undefined) {
      report(error)
    }
    if (willReconnect) scheduleConnect()
    else void close()
  }

  function report(error: PkiError): void {
    const refused = error.code.startsWith('ERR_PKI_CLIENT_') || error.code === 'ERR_PKI_BROKER_REFUSED'
    events.emit(refused ? 'refused' : 'error', error)
  }

  function scheduleConnect(): void {
    // A listener may have closed the connection meanwhile.
    if (closing !== undefined || client.disconnecting) return
    const delaySeconds = backOff.next()
    clearTimeout(timer)
    timer = setTimeout(() => void connect(), delaySeconds * 1000)
    events.emit('reconnecting', { attempt: backOff.attempt, delaySeconds })
  }

  function close(): Promise<void> {
    closing ??= end()
    return closing
  }

  async function end(): Promise<void> {
    clearTimeout(timer)
    // Nothing was ever connected: `end` would look for a socket.
    if (client.stream === undefined) return
    const deadline = setTimeout(() => client.stream.destroy(), closeSeconds * 1000)
    while (client.connected && !client.disconnecting && Object.keys(client.outgoing).length > 0) await progress()
    failOutstanding()
    // Forced where there is no session: MQTT.js would wait for a broker that is away.
    await client.endAsync(!client.connected)
    clearTimeout(deadline)
  }

  function progress(): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        client.off('packetreceive', done)
        client.off('close', done)
        // The packet is told before it is dealt with.
        setImmediate(resolve)
      }
      client.on('packetreceive', done)
      client.on('close', done)
    })
  }

  /** MQTT.js leaves these callbacks, and whoever awaits them, waiting for ever. */
  function failOutstanding(): void {
    const closed = new PkiError('ERR_PKI_CLOSED', {})
    for (const id of Object.keys(client.outgoing).map(Number)) {
      const waiting = client.outgoing[id]
      delete client.outgoing[id]
      waiting?.cb(closed)
    }
    for (const waiting of client.queue.splice(0)) waiting.cb?.(closed)
  }

  return {
    connection: {
      client,
      deviceId: settings.identity.deviceId,
      on: events.on,
      close,
      [Symbol.asyncDispose]: close,
    },
    async open(signal) {
      const onAbort = (): void => opening?.reject(signal?.reason)
      try {
        await new Promise<void>((resolve, reject) => {
          opening = { resolve, reject }
          signal?.addEventListener('abort', onAbort)
          void connect()
        })
      } catch (error) {
        opening = undefined
        await close()
        throw error
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}
