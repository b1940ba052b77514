import { fileIdentity, type ReconnectOptions, type RenewalOptions } from '@fleetcert/mqtt-client'
import type { DeviceReport } from './device-report.ts'
import { addCounts, createHistogram } from './histogram.ts'
import type { RackStats } from './rack-stats.ts'
import { createSimulatedDevice, type SimulatedDevice } from './simulated-device.ts'
import { withClockSkew } from './skewed-clock.ts'

export interface RackOptions {
  readonly devices: readonly {
    readonly deviceId: string
    /** One-time; spent when the device has its first certificate. */
    readonly token: string
  }[]
  readonly owner: string
  /** One folder for each device inside. */
  readonly directory: string
  readonly brokerUrl: string
  readonly hubUrl: string
  /** PEM. */
  readonly trustAnchors: string
  readonly boot: number
  readonly telemetrySeconds: number
  readonly protocolVersion: 4 | 5
  readonly reconnect?: ReconnectOptions
  readonly renewOver: 'https' | 'mqtt'
  /** How often a device asks when to renew, where the hub does not say. */
  readonly pollSeconds: number
  /** Every device's clock is off by up to so much, either way. */
  readonly clockSkewSeconds: number
}

/** What a rack's process answers. */
export type RackCalls = {
  /** Resolves when every device has connected once. */
  start(options: RackOptions): Promise<void>
  stats(nothing: null): RackStats
  reports(nothing: null): readonly DeviceReport[]
  /** Stops publishing; resolves when everything is acknowledged or has failed. */
  drain(nothing: null): Promise<void>
  close(nothing: null): Promise<void>
}

/** Handshakes at once while the fleet is switched on: more would only wait for each other. */
const startingAtOnce = 32

/** Many devices in one process. */
export function createRack(): RackCalls {
  const seconds = {
    connect: createHistogram(),
    away: createHistogram(),
    acknowledge: createHistogram(),
    renewal: createHistogram(),
  }
  let devices: SimulatedDevice[] = []
  return {
    async start(options) {
      const { owner, brokerUrl: url, boot, telemetrySeconds, protocolVersion, reconnect, clockSkewSeconds } = options
      const skewed = options.devices.map(({ deviceId, token }) => {
        const bootstrap = { url: options.hubUrl, token, trustAnchors: options.trustAnchors }
        const device = createSimulatedDevice({
          ...{ owner, url, boot, telemetrySeconds, seconds },
          identity: fileIdentity(options.directory, deviceId, { bootstrap }),
          connect: { protocolVersion, renewal: renewalOf(options, deviceId), ...(reconnect && { reconnect }) },
        })
        return { device, skewSeconds: (2 * Math.random() - 1) * clockSkewSeconds }
      })
      devices = skewed.map(({ device }) => device)
      const waiting = skewed.values()
      await Promise.all(
        Array.from({ length: startingAtOnce }, async () => {
          for (const { device, skewSeconds } of waiting) await withClockSkew(skewSeconds, () => device.start())
        }),
      )
    },
    stats: () => stats(devices, seconds),
    reports: () => devices.map(device => device.report),
    async drain() {
      for (const device of devices) device.stopPublishing()
      await Promise.all(devices.map(device => device.drained()))
    },
    async close() {
      await Promise.all(devices.map(device => device.close()))
    },
  }
}

function renewalOf({ renewOver, hubUrl, owner, pollSeconds }: RackOptions, deviceId: string): RenewalOptions {
  return renewOver === 'https'
    ? { hub: hubUrl, pollSeconds }
    : { over: 'mqtt', topicPrefix: `users/${owner}/devices/${deviceId}`, takeTrustAnchors: true, pollSeconds }
}

function stats(
  devices: readonly SimulatedDevice[],
  seconds: Readonly<Record<'connect' | 'away' | 'acknowledge' | 'renewal', ReturnType<typeof createHistogram>>>,
): RackStats {
  const failing: Record<string, number> = {}
  const sums = { connected: 0, starting: 0, renewing: 0, renewed: 0, trustUpdates: 0 }
  const messages = { published: 0, acknowledged: 0, failed: 0, sentAgain: 0 }
  for (const device of devices) {
    const { isConnected, lastError, ...report } = device.report
    if (isConnected) sums.connected += 1
    else if (lastError === undefined && report.disconnects === 0) sums.starting += 1
    else failing[lastError ?? 'waiting'] = (failing[lastError ?? 'waiting'] ?? 0) + 1
    if (device.isRenewing) sums.renewing += 1
    sums.renewed += report.renewals
    sums.trustUpdates += report.trustUpdates
    messages.published += report.published
    messages.acknowledged += report.acknowledged
    messages.failed += report.failed
    messages.sentAgain += Math.max(0, report.sent - report.published)
  }
  const { user, system } = process.cpuUsage()
  return {
    devices: devices.length,
    ...sums,
    ...messages,
    failing,
    renewalFailures: addCounts(devices.map(device => device.renewalFailures)),
    connectSeconds: seconds.connect.counts(),
    awaySeconds: seconds.away.counts(),
    acknowledgeSeconds: seconds.acknowledge.counts(),
    renewalSeconds: seconds.renewal.counts(),
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuSeconds: (user + system) / 1e6,
  }
}
