import { type Fleet, isPkiError } from '@fleetcert/core'
import { checkStore } from './check-invariants.ts'
import { checkRecovery } from './check-recovery.ts'
import type { Fault } from './faulty-process.ts'
import type { Operation } from './operations.ts'
import type { SpareKeys } from './spare-keys.ts'
import { createStage, createWorld, type World, type WorldOptions } from './world.ts'

/** Longer than every lease. */
const leaseSeconds = 120

export interface CrashPoint {
  /** Which call, from 1. */
  readonly at: number
  readonly fault: Fault
}

export interface SearchOptions extends WorldOptions {
  readonly keys: SpareKeys
}

/** What kills a process, and what it survives. */
export const cuts: readonly Fault[] = ['cutBefore', 'cutAfter']
export const failures: readonly Fault[] = ['replyLost', 'refused', 'late', 'aborted']

/** What happens at one point, and what is checked then. */
export type Visit = (operation: Operation, point: CrashPoint, options: SearchOptions) => Promise<void>

/** Visits every point of an operation with every fault; resolves how many. Throws one error for all that is found: the points of one defect stand together. */
export async function searchPoints(
  operation: Operation,
  faults: readonly Fault[],
  visit: Visit,
  options: SearchOptions,
): Promise<number> {
  const calls = await callsOf(operation, options)
  const found = new Map<string, string[]>()
  for (const [index, call] of calls.entries()) {
    for (const fault of faults) {
      try {
        await visit(operation, { at: index + 1, fault }, options)
      } catch (error) {
        const text = String((error as Error).stack)
          .split('\n')
          .slice(0, 6)
          .join('\n')
        // Serial numbers are drawn anew in each run.
        const key = text.replace(/\b[0-9a-f]{32,64}\b/g, '…')
        found.set(key, [...(found.get(key) ?? []), `${fault} at call ${index + 1}, ${call}`])
      }
    }
  }
  if (found.size > 0) {
    const texts = [...found].map(([text, where]) => `${text}\n  ${where.join('\n  ')}`)
    throw new Error(`${operation.name}: ${calls.join(' ')}\n\n${texts.join('\n\n')}`)
  }
  return calls.length * faults.length
}

/** Names of the calls of an operation that nothing befalls; checks what it leaves, too. */
export async function callsOf(operation: Operation, options: SearchOptions): Promise<readonly string[]> {
  const world = createWorld(options.keys, { ...options, ...(operation.fleet && { fleet: operation.fleet }) })
  const process = world.process()
  const run = await operation.prepare(createStage(world, process))
  process.arm()
  await run()
  const calls = [...process.calls]
  await checkAfterwards(world, await world.open(world.process()), true)
  return calls
}

/** The process dies at one point, and after its leases ran out another one starts. */
export async function crashOnce(operation: Operation, point: CrashPoint, options: SearchOptions): Promise<void> {
  const world = await crash(operation, point, options)
  world.clock.advance(leaseSeconds)
  await checkAfterwards(world, await world.open(world.process()), true)
}

/** The process dies at one point and is started again at once, while its leases still run: what they block, an operator frees. */
export async function crashAndHurry(operation: Operation, point: CrashPoint, options: SearchOptions): Promise<void> {
  const world = await crash(operation, point, options)
  world.clock.advance(1)
  const fleet = await openImpatiently(world)
  await checkStore(world.store, world.observations)
  for (const deviceId of [...world.observations.deviceIds]) {
    try {
      await fleet.enroll(deviceId, { csr: world.csr() })
    } catch (error) {
      if (!isPkiError(error, 'ERR_PKI_DEVICE_EXISTS')) throw error
      await fleet.revoke(deviceId)
      await fleet.enroll(deviceId, { csr: world.csr() })
    }
  }
  world.clock.advance(leaseSeconds)
  await checkAfterwards(world, fleet, true)
}

/** Time goes on while a start waits for the lease of the one that died before it. */
async function openImpatiently(world: World): Promise<Fleet> {
  const timer = setInterval(() => world.clock.advance(leaseSeconds), 20)
  try {
    return await world.open(world.process())
  } finally {
    clearInterval(timer)
  }
}

/** What a process does that starts after another died: it opens the fleet and works. Every call of it is a crash point too. */
async function recover(world: World, open: () => Promise<Fleet>): Promise<void> {
  const fleet = await open()
  await fleet.crl()
  const exists = (error: unknown): void => {
    if (!isPkiError(error, 'ERR_PKI_DEVICE_EXISTS')) throw error
  }
  await fleet.enroll('sensor-1', { csr: world.csr() }).catch(exists)
}

/** How many calls the recovery after that point makes. */
export async function recoveryCalls(operation: Operation, point: CrashPoint, options: SearchOptions): Promise<number> {
  const world = await crash(operation, point, options)
  world.clock.advance(leaseSeconds)
  const process = world.process()
  process.arm()
  await recover(world, () => world.open(process))
  return process.calls.length
}

/** The process dies at one point, and the next one at another, in its start or soon after. */
export async function crashTwice(
  operation: Operation,
  first: CrashPoint,
  second: CrashPoint,
  options: SearchOptions,
): Promise<void> {
  const world = await crash(operation, first, options)
  world.clock.advance(leaseSeconds)
  const process = world.process()
  process.arm(second)
  await recover(world, () => world.open(process)).catch(() => {})
  if (!process.dead) throw new Error(`the recovery makes fewer than ${second.at} calls`)
  await checkStore(world.store, world.observations)
  world.clock.advance(leaseSeconds)
  await checkAfterwards(world, await world.open(world.process()), true)
}

/** One call fails, and the process lives on: the operation rejects with a code or succeeds, and the next ones work in the same fleet without waiting. */
export async function failOnce(operation: Operation, point: CrashPoint, options: SearchOptions): Promise<void> {
  const world = createWorld(options.keys, { ...options, ...(operation.fleet && { fleet: operation.fleet }) })
  const process = world.process()
  const stage = createStage(world, process)
  const run = await operation.prepare(stage)
  process.arm(point)
  const { signal } = process
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('rejected with nothing'),
  )
  process.arm()
  const isAbort = point.fault === 'aborted' && error === signal.reason
  if (error !== undefined && !isPkiError(error) && !isAbort) throw error
  await checkStore(world.store, world.observations)
  await process.settle()
  // A lease whose taking or giving back went unheard has to run out.
  if (stage.fleet === undefined) world.clock.advance(leaseSeconds)
  await checkAfterwards(world, stage.fleet ?? (await stage.open()), false)
}

/** Lets the operation run until its process dies, and checks what it left at that moment. */
async function crash(operation: Operation, point: CrashPoint, options: SearchOptions): Promise<World> {
  const world = createWorld(options.keys, { ...options, ...(operation.fleet && { fleet: operation.fleet }) })
  const process = world.process()
  const run = await operation.prepare(createStage(world, process))
  process.arm(point)
  await run().catch(() => {})
  if (!process.dead) throw new Error(`${operation.name} makes fewer than ${point.at} calls`)
  await checkStore(world.store, world.observations)
  return world
}

async function checkAfterwards(world: World, fleet: Fleet, leasesLapsed: boolean): Promise<void> {
  const { store, observations, csr, clock } = world
  await checkRecovery(fleet, store, observations, { csr, clock: () => clock.now(), leasesLapsed })
}
