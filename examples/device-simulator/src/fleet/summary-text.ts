import { codes, duration, sumOf } from './display.ts'
import type { FleetSummary } from './fleet-summary.ts'
import type { Percentiles } from './histogram.ts'

/** The summary for a person. */
export function summaryText(summary: FleetSummary): string {
  const { messages, renewals, processes } = summary
  const rows: [string, string][] = [
    [
      'devices',
      `${summary.devices} at ${summary.broker}, ${duration(summary.seconds)}; ${summary.stranded.length} stranded`,
    ],
    [
      'messages',
      `${messages.published} published, ${messages.arrived} arrived, ${messages.lost} lost, ${messages.repeated} repeated by QoS 1, ${messages.doubled} doubled`,
    ],
    [
      'renewals',
      `${renewals.renewed} done; failed and tried again: ${sumOf(renewals.failed)}${codes(renewals.failed)}; old certificates still good: ${renewals.notSuperseded}`,
    ],
    ...summary.storms.map((storm): [string, string] => [
      'storm',
      `${storm.sessions} back within ${duration(storm.lastAfterSeconds)}; peak second ${storm.peakSecond}, mean of the minute ${storm.meanSecond.toFixed(1)}`,
    ]),
    ...summary.powerCuts.map((cut): [string, string] => [
      'power cut',
      `${cut.devices} devices back after ${duration(cut.backAfterSeconds)}`,
    ]),
    ...Object.entries(summary.percentiles).map(([name, found]): [string, string] => [name, percentileText(found)]),
    ...Object.entries(processes).map(([name, { residentMiB, cpuSeconds }]): [string, string] => [
      name,
      `${residentMiB.toFixed(0)} MiB${name === 'devices' ? ` (${((residentMiB * 1024) / summary.devices).toFixed(0)} KiB each)` : ''}, ${duration(cpuSeconds)} of CPU time`,
    ]),
    ['', summary.held ? 'held: nothing lost, nobody stranded' : 'DID NOT HOLD'],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return `\n${rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n')}\n`
}

function percentileText(found: Percentiles | undefined): string {
  if (found === undefined) return 'none'
  const { p50, p95, p99, max } = found
  return `p50 ${duration(p50)}, p95 ${duration(p95)}, p99 ${duration(p99)}, max ${duration(max)}`
}
