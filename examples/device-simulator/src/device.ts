import {
  type ConnectDeviceOptions,
  connectDevice,
  type DeviceConnection,
  type DeviceIdentity,
  openTelemetry,
  type RpcEvent,
  telemetryProfile,
} from '@fleetcert/mqtt-client'
import { isPkiError } from '@fleetcert/x509'

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
  const profile = telemetryProfile({ kind: 'fleetcert', deviceId, owner: userId })
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

  // Where methods are added.
  const methods = { ping: () => ({ pong: true, deviceId, uptimeSeconds: uptimeSeconds() }) }
  const telemetry = await openTelemetry(connection, {
    ...{ profile, methods },
    onRequest: event => log(line(event)),
  }).catch(async error => {
    await connection.close()
    throw error
  })
  log(`listening on ${profile.requestFilter}`)

  const sendTelemetry = (): void => {
    // A broker that is away gets the newest values when it is back, not all of them.
    if (!client.connected) return
    const seconds = uptimeSeconds()
    const celsius = Number((21 + 2 * Math.sin(seconds / 60)).toFixed(2))
    const values = { at: new Date().toISOString(), uptimeSeconds: seconds, celsius }
    log(`telemetry ${JSON.stringify(values)}`)
    telemetry.publish(values).catch(error => log(`not published: ${describe(error)}`))
  }

  let timer: NodeJS.Timeout | undefined
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await connection.close()
  }
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

function line(event: RpcEvent): string {
  if (event.outcome === 'ignored') return `ignored a request of ${event.octets} octets: ${event.reason}`
  const request = `request ${JSON.stringify(event.id)}`
  if (event.code === undefined) return `${request}: ${event.method} answered`
  return event.code === 'METHOD_UNKNOWN'
    ? `${request}: unknown method ${JSON.stringify(event.method)}`
    : `${request}: ${event.code}`
}
