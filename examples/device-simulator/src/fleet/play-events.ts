import { setTimeout as sleep } from 'node:timers/promises'
import type { Display } from './display.ts'
import type { FleetArguments } from './fleet-arguments.ts'
import type { FleetSummary } from './fleet-summary.ts'
import { percentiles } from './histogram.ts'
import { settledAccount } from './settled-account.ts'
import { spreadOf } from './spread.ts'
import type { SimulatedFleet } from './start-fleet.ts'

/** How long the fleet may take to be whole again before the simulation goes on without it. */
const patienceSeconds = 600
const betweenSeconds = 5
const stormWindowSeconds = 60

/** Switches a fleet on, has the events happen to it that were asked for, and sums up. */
export async function playEvents(
  fleet: SimulatedFleet,
  settings: FleetArguments,
  display: Display,
  signal: AbortSignal,
): Promise<FleetSummary> {
  const startedAt = performance.now()
  const elapsed = (): number => (performance.now() - startedAt) / 1000
  const storms: FleetSummary['storms'][number][] = []
  const powerCuts: FleetSummary['powerCuts'][number][] = []

  const watching = new AbortController()
  const watch = async (): Promise<void> => {
    while (!watching.signal.aborted) {
      await sleep(1000, undefined, { signal: watching.signal }).catch(() => {})
      const [stats, backend] = await Promise.all([fleet.stats(), fleet.backend()]).catch(() => [])
      // A rack that is being cut cannot answer.
      if (stats !== undefined && backend !== undefined) display.show(stats, backend)
    }
  }
  const watched = watch()
  const aborted = new Promise<void>(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const pause = (seconds: number): Promise<unknown> => sleep(seconds * 1000, undefined, { signal }).catch(() => {})
  const until = async (isDone: () => Promise<boolean>): Promise<boolean> => {
    const deadline = performance.now() + patienceSeconds * 1000
    while (!signal.aborted && performance.now() < deadline) {
      if (await isDone()) return true
      await pause(0.5)
    }
    return false
  }
  const allConnected = async (): Promise<boolean> => (await fleet.stats()).connected === settings.count

  async function renewal(): Promise<void> {
    const { renewed } = await fleet.stats()
    const began = performance.now()
    display.line(`renewals: asked for, within ${settings.renewWithinSeconds} s`)
    await fleet.hurryRenewals({ withinSeconds: settings.renewWithinSeconds })
    const done = await until(async () => (await fleet.stats()).renewed >= renewed + settings.count)
    const all = (await fleet.stats()).renewed - renewed
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    display.line(`renewals: ${all} ${done ? `done in ${seconds} s` : `of ${settings.count} in ${seconds} s`}`)
  }

  async function storm(): Promise<void> {
    const { downSeconds } = settings
    display.line(`storm: the broker restarts, away for ${downSeconds} s`)
    const { backAt } = await fleet.restartBroker({ downSeconds })
    await until(allConnected)
    await pause(Math.max(0, stormWindowSeconds - (Date.now() - backAt) / 1000))
    const spread = spreadOf((await fleet.backend()).sessions, backAt, stormWindowSeconds)
    storms.push({ ...spread, downSeconds })
    const last = spread.lastAfterSeconds.toFixed(1)
    const mean = spread.meanSecond.toFixed(1)
    display.line(`storm: ${spread.sessions} back within ${last} s; peak second ${spread.peakSecond}, mean ${mean}`)
  }

  async function powerCut(index: number): Promise<void> {
    const rack = index % settings.racks
    display.line(`power cut: rack ${rack + 1}`)
    const before = fleet.cutOff.length
    const began = performance.now()
    await fleet.cutPower(rack)
    await until(allConnected)
    const backAfterSeconds = (performance.now() - began) / 1000
    const devices = fleet.cutOff.length - before
    powerCuts.push({ devices, backAfterSeconds })
    display.line(`power cut: its ${devices} devices are back after ${backAfterSeconds.toFixed(1)} s`)
  }

  display.line(`switching ${settings.count} devices on: each makes a key and enrols with its token`)
  await Promise.race([fleet.switchOn(), aborted])
  display.line(`all on after ${elapsed().toFixed(1)} s`)
  const rounds = Math.max(settings.renewals, settings.storms, settings.powerCuts)
  for (let round = 0; round < rounds; round += 1) {
    if (round < settings.renewals && !signal.aborted) await pause(betweenSeconds).then(renewal)
    if (round < settings.storms && !signal.aborted) await pause(betweenSeconds).then(storm)
    if (round < settings.powerCuts && !signal.aborted) await pause(betweenSeconds).then(() => powerCut(round))
  }
  await pause(Math.max(0, settings.seconds - elapsed()))
  display.line('ending: the last messages are acknowledged')
  await Promise.race([fleet.drain(), sleep(patienceSeconds * 1000, undefined, { ref: false })])
  watching.abort()
  await watched

  const [stats, reports, backend, certificates] = await Promise.all([
    fleet.stats(),
    fleet.devices(),
    fleet.backend(),
    fleet.certificates(),
  ])
  const messages = await settledAccount(fleet, reports)
  const stranded = reports.filter(({ isConnected }) => !isConnected).map(({ deviceId }) => deviceId)
  const notSuperseded = certificates.withSeveralGood.length
  return {
    held: messages.lost === 0 && messages.doubled === 0 && stranded.length === 0 && notSuperseded === 0,
    devices: settings.count,
    broker: settings.broker,
    seconds: elapsed(),
    stranded,
    messages,
    renewals: { renewed: stats.renewed, failed: stats.renewalFailures, notSuperseded },
    storms,
    powerCuts,
    percentiles: {
      connect: percentiles(stats.connectSeconds),
      away: percentiles(stats.awaySeconds),
      acknowledge: percentiles(stats.acknowledgeSeconds),
      renewal: percentiles(stats.renewalSeconds),
    },
    processes: {
      devices: { residentMiB: stats.residentMiB, cpuSeconds: stats.cpuSeconds },
      backend: { residentMiB: backend.residentMiB, cpuSeconds: backend.cpuSeconds },
    },
  }
}
