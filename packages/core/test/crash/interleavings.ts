import type { Fleet } from '@fleetcert/core'
import { checkStore } from './check-invariants.ts'
import { checkRecovery } from './check-recovery.ts'
import { pickOperation, requireExpected } from './concurrent-operations.ts'
import type { Fault, FaultyProcess } from './faulty-process.ts'
import { type Random, seededRandom } from './random.ts'
import { createScheduler, type Scheduler, type VirtualTimers } from './scheduler.ts'
import type { SpareKeys } from './spare-keys.ts'
import { createWorld, type VirtualClock, type World } from './world.ts'

/** One of the two processes that share the store; after a death another takes its place. */
interface Slot {
  readonly name: string
  /** Its clock differs from the store's by so much. */
  readonly skewMilliseconds: number
  process: FaultyProcess
  fleet: Fleet | undefined
}

/** One of them is slow in each run. */
const slowCalls: readonly string[] = [
  'no call',
  'store.reserve',
  'signer.sign',
  'store.commit',
  'store.revoke',
  'store.revoked ',
  'store.certificate',
  'store.putCrl',
  'store.nextCrlNumber',
  'store.crl',
  'store.ledger',
  'store.newestEventAt',
  'answers',
]
const failures: readonly Fault[] = ['replyLost', 'refused', 'late']

export interface InterleavingOptions {
  readonly keys: SpareKeys
  readonly clock: VirtualClock
  readonly timers: VirtualTimers
}

/** How many certification requests one run asks for at most. */
export const requestsPerRun = 60

/**
 * Two processes on one store, four callers, and all that the seed draws: the order of all calls and answers, deaths and restarts, hanging processes, failing calls, time.
 * Afterwards the invariants must hold, and life must go on. Resolves the trace; the same seed gives the same one.
 */
export async function interleave(seed: number, options: InterleavingOptions): Promise<readonly string[]> {
  const random = seededRandom(seed)
  const slow = random.pick(slowCalls)
  const scheduler = createScheduler(random, options.timers, name => name.includes(slow))
  const world = createWorld(options.keys, { clock: options.clock })
  try {
    await simulate(random, scheduler, world, options.timers)
  } catch (error) {
    const trace = scheduler.trace.slice(-150).join('\n')
    const { message, stack } = error as Error
    throw new Error(`seed ${seed}: ${message}\n${stack}\n\nThe last steps:\n${trace}`, { cause: error })
  }
  return scheduler.trace
}

async function simulate(random: Random, scheduler: Scheduler, world: World, timers: VirtualTimers): Promise<void> {
  // In half of the runs nobody dies, in half of them no call fails: some defects show only where others do not get in their way.
  const deadly = random.once(2)
  const failing = random.once(2)
  const unsteady = random.once(2)
  const deviceIds = ['a', 'b'].slice(0, 1 + random.below(2))
  let scheduled = false

  const start = (name: string): FaultyProcess =>
    world.process({
      turn: async (call, stage, process) => {
        if (scheduled) await scheduler.turn(`${name} ${call}${stage === 'call' ? '' : ' answers'}`, process)
      },
      draw: () => (scheduled && failing && random.once(40) ? random.pick(failures) : undefined),
    })
  const slots: Slot[] = []
  for (const name of ['A', 'B']) {
    const process = start(name)
    const skewMilliseconds = random.below(4001) - 2000
    const clock = (): Date => new Date(world.clock.now().getTime() + skewMilliseconds)
    slots.push({ name, skewMilliseconds, process, fleet: await world.open(process, { background: true, clock }) })
  }
  for (const deviceId of deviceIds) {
    if (random.once(2)) await slots[0]!.fleet!.enroll(deviceId, { csr: world.csr() })
  }
  scheduled = true

  const restart = async (slot: Slot): Promise<void> => {
    const clock = (): Date => new Date(world.clock.now().getTime() + slot.skewMilliseconds)
    for (let generation = 2; slot.fleet === undefined; generation += 1) {
      slot.process = start(`${slot.name}${generation}`)
      const { process } = slot
      const fleet = await world.open(process, { background: true, clock }).catch((error: unknown) => {
        if (!process.dead) requireExpected(error)
        return undefined
      })
      if (!process.dead) slot.fleet = fleet
    }
  }
  const restarts: Promise<void>[] = []
  const kill = (slot: Slot): void => {
    if (slot.fleet === undefined) return
    scheduler.note(`${slot.name} dies`)
    slot.process.kill()
    // Its timers die with it.
    void slot.fleet.close()
    slot.fleet = undefined
    restarts.push(restart(slot))
  }

  const caller = async (name: string): Promise<void> => {
    for (let count = 2 + random.below(3); count > 0; count -= 1) {
      const living = slots.filter(({ fleet }) => fleet !== undefined)
      if (living.length === 0) {
        await Promise.race(restarts)
        continue
      }
      const { fleet, process, name: at } = random.pick(living)
      const operation = pickOperation(random)
      const deviceId = random.pick(deviceIds)
      scheduler.note(`${name}: ${operation.name} ${deviceId} at ${at}`)
      const outcome = await operation
        .run(fleet!, { random, deviceId, csr: world.csr, returned: world.observations.returned })
        .then(
          () => 'done',
          (error: unknown) => {
            if (!process.dead) requireExpected(error)
            return process.dead ? 'dead' : String((error as { code?: unknown }).code)
          },
        )
      scheduler.note(`${name}: ${operation.name} ${deviceId} at ${at}: ${outcome}`)
    }
  }

  const failed: unknown[] = []
  const callers = ['1', '2', '3', '4'].map(name => caller(name).catch(error => void failed.push(error)))
  await scheduler.run(callers, () => {
    if (failed.length > 0) throw failed[0]
    if (deadly && random.once(60)) kill(random.pick(slots))
    if (unsteady && random.once(30)) scheduler.stall(random.pick(slots).process, 5 + random.below(40))
    if (unsteady && random.once(25)) {
      const milliseconds = random.pick([10, 1000, 6000, 40_000])
      scheduler.note(`${milliseconds} ms pass`)
      timers.advance(milliseconds)
    }
  })
  if (failed.length > 0) throw failed[0]

  // All go off at once, and what they left is looked at before anybody cleans up.
  scheduled = false
  for (const slot of slots) {
    slot.process.kill()
    await slot.fleet?.close()
  }
  await checkStore(world.store, world.observations)
  world.clock.advance(120)
  const fleet = await world.open(world.process())
  await checkRecovery(fleet, world.store, world.observations, {
    clock: () => world.clock.now(),
    csr: world.csr,
    leasesLapsed: true,
  })
  await fleet.close()
}
