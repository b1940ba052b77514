import type { ReceiptsReport } from '../backend/receipts.ts'
import type { DeviceReport } from './device-report.ts'

/** What became of the fleet's messages. */
export interface Account {
  readonly published: number
  /** Different ones. */
  readonly arrived: number
  /** Acknowledged to the device, or published by one that has drained, and never arrived. */
  readonly lost: number
  /** Arrived once more because the device had to send once more: QoS 1 is "at least once". */
  readonly repeated: number
  /** Arrived more often than they were sent: there must be none. */
  readonly doubled: number
}

/**
 * Compares what devices have sent with what has arrived. Of a device whose power was cut only what was acknowledged before counts: the rest was in its memory.
 */
export function accountFor(
  reports: readonly DeviceReport[],
  receipts: ReceiptsReport,
  cutOff: readonly DeviceReport[] = [],
): Account {
  const account = { published: 0, arrived: 0, lost: 0, repeated: 0, doubled: 0 }
  const add = (report: DeviceReport, expected: number): void => {
    const { received = 0, distinct = 0 } = receipts[`${report.deviceId} ${report.boot}`] ?? {}
    account.published += report.published
    account.arrived += Math.min(distinct, report.published)
    account.lost += Math.max(0, expected - distinct)
    account.repeated += received - distinct
  }
  for (const report of reports) {
    add(report, report.published)
    const { received = 0 } = receipts[`${report.deviceId} ${report.boot}`] ?? {}
    account.doubled += Math.max(0, received - report.sent)
  }
  for (const report of cutOff) add(report, report.acknowledged)
  return account
}
