import { isPkiError, PkiError } from '@fleetcert/x509'
import { type IConnackPacket, MqttClient } from 'mqtt'
import { type AttemptEnd, attemptEnd } from './attempt-end.ts'
import { createBackOff } from './back-off.ts'
import type { BrokerAddress } from './broker-address.ts'
import { checkPacketIdentifiers } from './check-packet-identifiers.ts'
import { classifyConnectionError } from './classify-connection-error.ts'
import type { ConnectSettings } from './connect-options.ts'
import { attemptVerdict, connackCode, createAttempt } from './connection-attempt.ts'
import type { CredentialSource } from './credential-source.ts'
import { type DeviceConnection, type DeviceEvents, deviceEventNames } from './device-connection.ts'
import { createEventHub } from './event-hub.ts'
import { drained, failOutstanding } from './in-flight.ts'
import { markRepetitions } from './mark-repetitions.ts'
import { mqttOptions } from './mqtt-options.ts'
import { createOutboundQueue } from './outbound-queue.ts'
import type { TlsCredential } from './read-credential.ts'
import { openTlsStream } from './tls-stream.ts'

const closeSeconds = 5
const drainSeconds = 2
const hangUpSeconds = 1
// Where nothing is tried again.
const noBackOff = { minSeconds: 1, spreadSeconds: 1, maxSeconds: 1, refusedMaxSeconds: 1 }
// The same bytes in MQTT 3.1.1 (section 3.14) and 5: "The Reason Code and Property Length can be omitted if the Reason Code is 0x00 (Normal disconnection) and there are no Properties".
const disconnectPacket = Uint8Array.of(0xe0, 0)

/** A connection that is not open yet. */
export interface DeviceLink {
  readonly connection: DeviceConnection
  /** The first attempt. When it fails the link is closed. */
  open(signal?: AbortSignal): Promise<void>
  /** Tells the connection's listeners what others have to say. */
  emit<Name extends keyof DeviceEvents>(event: Name, value: DeviceEvents[Name]): void
}

/** Somebody who waits for an attempt. */
interface Waiter {
  readonly promise: Promise<void>
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Puts MQTT.js under our own schedule: before each attempt the source is asked for a credential, after each failed one or lost session a back-off is waited for.
 *
 * One MqttClient lives through all of it, and is told `connect()`, never `reconnect()`: the latter replaces the stores of what is in flight and so loses QoS 1 and 2.
 */
export function createDeviceLink(
  address: BrokerAddress,
  settings: ConnectSettings,
  source: CredentialSource,
): DeviceLink {
  const events = createEventHub<DeviceEvents>(deviceEventNames)
  const backOff = createBackOff(settings.reconnect || noBackOff)
  let credential: TlsCredential | undefined
  let attempt = createAttempt()
  let timer: NodeJS.Timeout | undefined
  /** Of `performance.now()`: until then the broker asked to be left alone. */
  let quietUntil = 0
  /** Waits for the first attempt. */
  let opening: Waiter | undefined
  /** Waits for an attempt with a credential that is read from now on. */
  let swap: Waiter | undefined
  /** Waits for the attempt that is under way. */
  let swapping: Waiter | undefined
  let mayTryOther = true
  let closing: Promise<void> | undefined

  const client = new MqttClient(
    () => openTlsStream(address, settings.serverName, credential!, attempt),
    mqttOptions(settings),
  )
  // With it MQTT.js would take messages after the end, for stores that are closed.
  client.options.manualConnect = false
  markRepetitions(client)
  checkPacketIdentifiers(client)
  const outbound = createOutboundQueue(client, settings)

  client.on('packetreceive', packet => {
    if (packet.cmd === 'disconnect') {
      attempt.disconnect = packet
      // The broker "MUST close the Network Connection" (MQTT 5 section 3.14.4). One that does not would be waited for until the keep-alive runs out.
      const { stream } = client
      setImmediate(() => stream.destroy())
    }
    if (packet.cmd !== 'connack') return
    attempt.connack = packet
    if (connackCode(packet) !== 0) return
    attempt.stage = 'session'
    attempt.connectedAt = performance.now()
    mayTryOther = true
    const accepted = credential!
    // The packet is told before it is dealt with.
    queueMicrotask(() => {
      source.connected(accepted)
      swapping?.resolve()
      swapping = undefined
      if (swap !== undefined) void endSession()
    })
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
    clearTimeout(timer)
    timer = undefined
    attempt = createAttempt()
    swapping = swap
    swap = undefined
    try {
      credential = await source.next()
      if (closing !== undefined) return
      if (opening === undefined) client.emit('reconnect')
      client.connect()
    } catch (error) {
      const known = isPkiError(error) ? error : classifyConnectionError(error, address)
      if (opening !== undefined) return opening.reject(known)
      if (closing !== undefined) return
      report(known)
      connectLater({ kind: 'failed' })
    }
  }

  function onClose(): void {
    outbound.release()
    const { connectedAt, isLeaving } = attempt
    const isEnding = isLeaving || (client.disconnecting && connectedAt !== undefined)
    // Once DISCONNECT is on its way the broker may drop the connection as it likes, by a reset too.
    const error = isEnding
      ? undefined
      : attemptVerdict(attempt, { ...address, ...(credential && { certificate: credential }) })
    const end = attemptEnd(attempt, error)
    const hasOther =
      closing === undefined && connectedAt === undefined && error !== undefined && source.failed(credential!, error)
    const asksForPatience = end.kind === 'busy' || end.retryAfterSeconds !== undefined
    const tryOther = hasOther && mayTryOther && !asksForPatience
    if (tryOther) mayTryOther = false
    if (opening !== undefined) {
      if (tryOther) void connect()
      else opening.reject(error ?? new PkiError('ERR_PKI_CLOSED', {}))
      return
    }
    const willReconnect =
      closing === undefined && !client.disconnecting && (settings.reconnect !== false || isLeaving || tryOther)
    if (connectedAt !== undefined) {
      if (!isLeaving) backOff.ended((performance.now() - connectedAt) / 1000)
      events.emit('closed', { ...(error && { error }), willReconnect })
    } else if (closing === undefined && error !== undefined) {
      report(error)
    }
    if (!willReconnect) void close()
    else if (isLeaving || tryOther || (swap !== undefined && !asksForPatience)) connectAtOnce()
    else connectLater(end)
  }

  function report(error: PkiError): void {
    swapping?.reject(error)
    swapping = undefined
    const refused = error.code.startsWith('ERR_PKI_CLIENT_') || error.code === 'ERR_PKI_BROKER_REFUSED'
    events.emit(refused ? 'refused' : 'error', error)
  }

  // A listener may have closed the connection meanwhile.
  const isOver = (): boolean => closing !== undefined || client.disconnecting

  function connectAtOnce(): void {
    if (!isOver()) void connect()
  }

  function connectLater(end: AttemptEnd): void {
    if (isOver()) return
    if (settings.reconnect === false) return void close()
    mayTryOther = true
    const delaySeconds = backOff.next(end)
    quietUntil = end.retryAfterSeconds === undefined ? 0 : performance.now() + end.retryAfterSeconds * 1000
    clearTimeout(timer)
    timer = setTimeout(() => void connect(), delaySeconds * 1000)
    events.emit('reconnecting', { attempt: backOff.attempt, delaySeconds })
  }

  function reconnectNow(): Promise<void> {
    if (isOver()) return Promise.reject(new PkiError('ERR_PKI_CLOSED', {}))
    if (swap !== undefined) return swap.promise
    swap = createWaiter()
    const { promise } = swap
    if (timer !== undefined) {
      if (performance.now() >= quietUntil) void connect()
    } else if (client.connected) void endSession()
    // Else an attempt is under way, with a credential that may be the old one: the next one follows it at once.
    return promise
  }

  /** DISCONNECT, so that the broker publishes no will and keeps what a session that is not clean holds. */
  async function endSession(): Promise<void> {
    const ending = attempt
    outbound.hold()
    await drained(client, drainSeconds)
    if (isOver() || !client.connected || ending !== attempt) return
    attempt.isLeaving = true
    // MQTT.js keeps for the next connection what it is given from here on, and sees no more of this one: what it read now it would acknowledge there.
    client.connected = false
    const { stream } = client
    stream.unpipe()
    stream.resume()
    stream.end(disconnectPacket)
    const hangUp = setTimeout(() => stream.destroy(), hangUpSeconds * 1000)
    stream.once('close', () => clearTimeout(hangUp))
  }

  function close(): Promise<void> {
    closing ??= end()
    return closing
  }

  async function end(): Promise<void> {
    clearTimeout(timer)
    outbound.shut()
    outbound.release()
    for (const waiter of [swap, swapping]) waiter?.reject(new PkiError('ERR_PKI_CLOSED', {}))
    // Nothing was ever connected: `end` would look for a socket.
    if (client.stream === undefined) return outbound.fail()
    const deadline = setTimeout(() => client.stream.destroy(), closeSeconds * 1000)
    await drained(client, closeSeconds, outbound.isEmpty)
    outbound.fail()
    failOutstanding(client)
    // Forced where there is no session: MQTT.js would wait for a broker that is away.
    await client.endAsync(!client.connected)
    clearTimeout(deadline)
  }

  return {
    emit: events.emit,
    connection: {
      client,
      deviceId: settings.identity.deviceId,
      on: events.on,
      reconnectNow,
      close,
      [Symbol.asyncDispose]: close,
    },
    async open(signal) {
      const onAbort = (): void => opening?.reject(signal?.reason)
      try {
        opening = createWaiter()
        signal?.addEventListener('abort', onAbort)
        void connect()
        await opening.promise
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

function createWaiter(): Waiter {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  // Who called has it; nobody has to.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
