import {
  type ConnectDeviceOptions,
  connectDevice,
  type DeviceConnection,
  type DeviceIdentity,
} from '@fleetcert/mqtt-client'
import { isPkiError, PkiError } from '@fleetcert/x509'
import { answerRpc } from './answer-rpc.ts'

export interface RunDeviceOptions {
  /** Who owns the device: the first part of its topics. */
  readonly userId: string
  readonly deviceId: string
  /** `mqtts://host:port` */
  readonly url: string
  readonly identity: DeviceIdentity
  /** Default 5; 0 is none. */
  readonly telemetrySeconds?: number
  /** Takes one line for each thing that happens. Default: standard output. */
  readonly log?: (line: string) => void
  /** What else `connectDevice` takes. */
  readonly connect?: Omit<ConnectDeviceOptions, 'identity' | 'signal'>
  /** Aborts the first connect. */
  readonly signal?: AbortSignal
}

export interface RunningDevice extends AsyncDisposable {
  readonly connection: DeviceConnection
  close(): Promise<void>
}

/**
 * Runs one device until it is closed: it answers requests on `users/<user>/devices/<device>/rpc/request` with replies on `…/rpc/response`, and publishes telemetry on `…/telemetry`.
 * Resolves when it is connected and subscribed; rejects as `connectDevice` does.
 */
export async function runDevice(options: RunDeviceOptions): Promise<RunningDevice> {
  const { userId, deviceId, url, identity, telemetrySeconds = 5, log = line => console.log(line) } = options
  const prefix = `users/${checkId(userId, 'owner')}/devices/${checkId(deviceId, 'deviceId')}`
  const startedAt = Date.now()
  const uptimeSeconds = (): number => Math.round((Date.now() - startedAt) / 1000)

  const connection = await connectDevice(url, {
    ...options.connect,
    identity,
    ...(options.signal && { signal: options.signal }),
  })
  const { client } = connection
  log(`connected to ${url} as ${client.options.clientId}`)
  connection.on('connected', () => log('connected again'))
  connection.on('closed', ({ error }) => log(error ? `closed: ${describe(error)}` : 'closed'))
  connection.on('refused', error => log(`refused: ${describe(error)}`))
  connection.on('error', error => log(`failed: ${describe(error)}`))
  connection.on('reconnecting', ({ attempt, delaySeconds }) => {
    log(`attempt ${attempt} in ${delaySeconds.toFixed(1)} s`)
  })

  const publish = (topic: string, message: object): void => {
    client.publish(`${prefix}/${topic}`, JSON.stringify(message), { qos: 1 }, error => {
      if (error) log(`not published on ${topic}: ${describe(error)}`)
    })
  }
  client.on('message', (topic, payload) => {
    if (topic !== `${prefix}/rpc/request`) return
    const { reply, line } = answerRpc(payload, { deviceId, uptimeSeconds: uptimeSeconds() })
    log(line)
    if (reply !== undefined) publish('rpc/response', reply)
  })

  const sendTelemetry = (): void => {
    // A broker that is away gets the newest values when it is back, not all of them.
    if (!client.connected) return
    const seconds = uptimeSeconds()
    const celsius = Number((21 + 2 * Math.sin(seconds / 60)).toFixed(2))
    const telemetry = { at: new Date().toISOString(), uptimeSeconds: seconds, celsius }
    publish('telemetry', telemetry)
    log(`telemetry ${JSON.stringify(telemetry)}`)
  }

  let timer: NodeJS.Timeout | undefined
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await connection.close()
  }
  try {
    await client.subscribeAsync(`${prefix}/rpc/request`, { qos: 1 })
  } catch (error) {
    await close()
    throw error
  }
  log(`listening on ${prefix}/rpc/request`)
  if (telemetrySeconds > 0) {
    sendTelemetry()
    timer = setInterval(sendTelemetry, telemetrySeconds * 1000)
  }
  return { connection, close, [Symbol.asyncDispose]: close }
}

/** An error in one line: its code where it has one, and what it says. */
export function describe(error: unknown): string {
  if (isPkiError(error)) return `${error.code} ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

// Both go into topics, where + # and / would mean something.
function checkId(id: string, field: 'owner' | 'deviceId'): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/.test(id)) throw new PkiError('ERR_PKI_DEVICE_ID', { field })
  return id
}
