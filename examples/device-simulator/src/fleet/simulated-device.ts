import {
  type ConnectDeviceOptions,
  connectDevice,
  type DeviceConnection,
  type DeviceIdentity,
} from '@fleetcert/mqtt-client'
import { isPkiError } from '@fleetcert/x509'
import type { DeviceReport } from './device-report.ts'
import type { Histogram } from './histogram.ts'

export interface SimulatedDeviceOptions {
  readonly identity: DeviceIdentity
  readonly owner: string
  readonly url: string
  readonly boot: number
  /** 0 is none. */
  readonly telemetrySeconds: number
  readonly connect: Omit<ConnectDeviceOptions, 'identity'>
  /** Shared by all devices of a rack. */
  readonly seconds: Readonly<Record<'connect' | 'away' | 'acknowledge' | 'renewal', Histogram>>
}

export interface SimulatedDevice {
  readonly report: DeviceReport
  readonly isRenewing: boolean
  readonly renewalFailures: Readonly<Record<string, number>>
  /** Connects for the first time, tried until it works: a device without a first credential has nothing else to do. */
  start(): Promise<void>
  stopPublishing(): void
  /** Resolves when everything published is acknowledged or has failed. */
  drained(): Promise<void>
  close(): Promise<void>
}

/** One device among many: it publishes numbered telemetry at a steady rate, whether its broker is there or not, and counts. */
export function createSimulatedDevice(options: SimulatedDeviceOptions): SimulatedDevice {
  const { identity, seconds, boot } = options
  const topic = `users/${options.owner}/devices/${identity.deviceId}/telemetry`
  const counts = { published: 0, acknowledged: 0, failed: 0, sent: 0, sentAgainUnmarked: 0 }
  const life = { disconnects: 0, failedAttempts: 0, untrusting: 0, renewals: 0, trustUpdates: 0 }
  const renewalFailures: Record<string, number> = {}
  const seen = new Set<number>()
  let lastError: string | undefined
  let firstDelaySeconds: number | undefined
  let connection: DeviceConnection | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let renewingSince: number | undefined
  let onDrained: (() => void) | undefined

  function failed(error: unknown): void {
    lastError = isPkiError(error) ? error.code : String((error as Error)?.message ?? error)
    life.failedAttempts += 1
    if (/_(SERVER|CLIENT|BROKER_REFUSED|TLS)/.test(lastError)) life.untrusting += 1
  }

  async function start(): Promise<void> {
    for (let round = 0; !isClosed; round += 1) {
      const startedAt = performance.now()
      try {
        connection = await connectDevice(options.url, { ...options.connect, identity })
        seconds.connect.record((performance.now() - startedAt) / 1000)
        lastError = undefined
        watch(connection)
        return
      } catch (error) {
        failed(error)
        const ceilingSeconds = Math.min(60, 2 ** Math.min(round + 1, 6))
        await new Promise(resolve => setTimeout(resolve, Math.random() * ceilingSeconds * 1000))
      }
    }
  }

  function watch({ client, on }: DeviceConnection): void {
    if (isClosed) return void connection?.close()
    let attemptAt = 0
    let lostAt: number | undefined
    client.on('reconnect', () => {
      attemptAt = performance.now()
    })
    client.on('packetsend', packet => {
      if (packet.cmd !== 'publish') return
      counts.sent += 1
      const { seq } = JSON.parse(String(packet.payload)) as { seq: number }
      if (seen.has(seq) && !packet.dup) counts.sentAgainUnmarked += 1
      seen.add(seq)
    })
    on('connected', () => {
      const now = performance.now()
      if (attemptAt > 0) seconds.connect.record((now - attemptAt) / 1000)
      if (lostAt !== undefined) seconds.away.record((now - lostAt) / 1000)
      lostAt = undefined
      lastError = undefined
    })
    on('closed', () => {
      life.disconnects += 1
      lostAt = performance.now()
    })
    on('reconnecting', ({ attempt, delaySeconds }) => {
      if (attempt === 1) firstDelaySeconds = delaySeconds
    })
    on('error', failed)
    on('refused', failed)
    on('renewing', () => {
      renewingSince ??= performance.now()
    })
    on('renewed', () => {
      life.renewals += 1
      if (renewingSince !== undefined) seconds.renewal.record((performance.now() - renewingSince) / 1000)
      renewingSince = undefined
    })
    on('renewalFailed', ({ error }) => {
      renewalFailures[error.code] = (renewalFailures[error.code] ?? 0) + 1
    })
    on('trustUpdated', () => {
      life.trustUpdates += 1
    })
    if (options.telemetrySeconds === 0) return
    const publish = (): void => {
      counts.published += 1
      const seq = counts.published
      const sentAt = performance.now()
      client.publish(topic, JSON.stringify({ boot, seq, celsius: 21.5 }), { qos: 1 }, error => {
        seen.delete(seq)
        if (error) counts.failed += 1
        else {
          counts.acknowledged += 1
          seconds.acknowledge.record((performance.now() - sentAt) / 1000)
        }
        if (counts.acknowledged + counts.failed === counts.published) onDrained?.()
      })
    }
    // A random phase: a fleet does not speak in chorus.
    timer = setTimeout(
      () => {
        publish()
        timer = setInterval(publish, options.telemetrySeconds * 1000)
      },
      Math.random() * options.telemetrySeconds * 1000,
    )
  }

  const stopPublishing = (): void => {
    clearTimeout(timer)
    clearInterval(timer)
  }
  return {
    get report() {
      return {
        deviceId: identity.deviceId,
        boot,
        isConnected: connection?.client.connected ?? false,
        ...counts,
        ...life,
        ...(lastError !== undefined && { lastError }),
        ...(firstDelaySeconds !== undefined && { firstDelaySeconds }),
      }
    },
    get isRenewing() {
      return renewingSince !== undefined
    },
    renewalFailures,
    start,
    stopPublishing,
    async drained() {
      if (counts.acknowledged + counts.failed === counts.published) return
      await new Promise<void>(resolve => {
        onDrained = resolve
      })
    },
    async close() {
      isClosed = true
      stopPublishing()
      await connection?.close()
    },
  }
}
