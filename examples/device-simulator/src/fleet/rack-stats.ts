import { addCounts, type HistogramCounts } from './histogram.ts'

/** What a rack of devices looks like at one moment. */
export interface RackStats {
  readonly devices: number
  readonly connected: number
  /** Switched on, and not connected for the first time yet. */
  readonly starting: number
  /** Between the moments when a renewal began and ended. */
  readonly renewing: number
  /** Devices that are not connected, by the code of what they met last. */
  readonly failing: Readonly<Record<string, number>>
  readonly renewed: number
  readonly renewalFailures: Readonly<Record<string, number>>
  readonly trustUpdates: number
  readonly published: number
  readonly acknowledged: number
  readonly failed: number
  readonly sentAgain: number
  /** From the beginning of an attempt to CONNACK. */
  readonly connectSeconds: HistogramCounts
  /** From a lost session to the next. */
  readonly awaySeconds: HistogramCounts
  /** From PUBLISH to PUBACK, times without a broker included. */
  readonly acknowledgeSeconds: HistogramCounts
  readonly renewalSeconds: HistogramCounts
  readonly residentMiB: number
  readonly cpuSeconds: number
}

/** What stays true of a rack that was switched off. */
export function endedStats(stats: RackStats): RackStats {
  return { ...stats, devices: 0, connected: 0, starting: 0, renewing: 0, failing: {}, residentMiB: 0 }
}

/** Of several racks. */
export function addStats(all: readonly RackStats[]): RackStats {
  const sum = (pick: (stats: RackStats) => number): number => all.reduce((total, stats) => total + pick(stats), 0)
  return {
    devices: sum(stats => stats.devices),
    connected: sum(stats => stats.connected),
    starting: sum(stats => stats.starting),
    renewing: sum(stats => stats.renewing),
    failing: addCounts(all.map(stats => stats.failing)),
    renewed: sum(stats => stats.renewed),
    renewalFailures: addCounts(all.map(stats => stats.renewalFailures)),
    trustUpdates: sum(stats => stats.trustUpdates),
    published: sum(stats => stats.published),
    acknowledged: sum(stats => stats.acknowledged),
    failed: sum(stats => stats.failed),
    sentAgain: sum(stats => stats.sentAgain),
    connectSeconds: addCounts(all.map(stats => stats.connectSeconds)),
    awaySeconds: addCounts(all.map(stats => stats.awaySeconds)),
    acknowledgeSeconds: addCounts(all.map(stats => stats.acknowledgeSeconds)),
    renewalSeconds: addCounts(all.map(stats => stats.renewalSeconds)),
    residentMiB: sum(stats => stats.residentMiB),
    cpuSeconds: sum(stats => stats.cpuSeconds),
  }
}
