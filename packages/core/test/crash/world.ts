import {
  type Fleet,
  type IoOptions,
  type Keyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  type Store,
} from '@fleetcert/core'
import { createProcess, type FaultyProcess, type ProcessParts } from './faulty-process.ts'
import { createObservations, type Observations } from './observations.ts'
import { observeFleet } from './observe-fleet.ts'
import type { SpareKeys } from './spare-keys.ts'

/** Time that passes only when it is told to. */
export interface VirtualClock {
  now(): Date
  advance(seconds: number): void
}

export function createVirtualClock(): VirtualClock {
  let milliseconds = Date.parse('2026-11-21T12:00:00Z')
  return {
    now: () => new Date(milliseconds),
    advance(seconds) {
      milliseconds += seconds * 1000
    },
  }
}

/** What outlives every process: the store, the keys, the time; and what is known of it all. */
export interface World {
  readonly clock: VirtualClock
  readonly store: Store
  readonly keyring: Keyring
  readonly observations: Observations
  /** A certification request of a key that was not used yet. */
  readonly csr: () => Uint8Array
  process(parts?: Pick<ProcessParts, 'turn' | 'draw'>): FaultyProcess
  /** Opens the fleet in a process. */
  open(
    process: FaultyProcess,
    options?: { readonly background?: boolean; readonly clock?: () => Date; readonly fleet?: FleetSettings },
  ): Promise<Fleet>
}

export interface WorldOptions {
  readonly clock?: VirtualClock
  /** Default: a memory store. */
  readonly createStore?: (clock: () => Date) => Store
  /** How every process opens its fleet. */
  readonly fleet?: FleetSettings
}

/** What a fleet publishes. */
export type FleetSettings = Pick<OpenFleetOptions, 'publish' | 'crl'>

export function createWorld(keys: SpareKeys, options: WorldOptions = {}): World {
  const clock = options.clock ?? createVirtualClock()
  const store = (options.createStore ?? (now => memoryStore({ clock: now })))(() => clock.now())
  const keyring = keys.keyring()
  const observations = createObservations()
  return {
    clock,
    store,
    keyring,
    observations,
    csr: keys.requests(),
    process: (parts = {}) => createProcess({ ...parts, store, keyring, observations }),
    async open(process, { background = false, clock: now = () => clock.now(), fleet: settings = options.fleet } = {}) {
      const fleet = await openFleet({
        ...settings,
        store: process.store,
        keyring: process.keyring,
        background,
        clock: now,
        // What goes wrong is provoked here.
        onWarning: () => {},
      })
      return observeFleet(fleet, store, observations)
    },
  }
}

/** What an operation works with: one process of a world. */
export interface Stage extends Pick<World, 'csr' | 'clock'> {
  /** Opens the fleet in this process, as every other does or in its own way. */
  open(settings?: FleetSettings): Promise<Fleet>
  /** What was opened last. */
  readonly fleet: Fleet | undefined
  readonly io: IoOptions
  /** Lets another process work until it dies in front of the first call of that name. */
  dieBefore(call: string, work: (fleet: Fleet) => Promise<unknown>): Promise<void>
}

export function createStage(world: World, process: FaultyProcess): Stage {
  let fleet: Fleet | undefined
  return {
    csr: world.csr,
    clock: world.clock,
    async open(settings) {
      fleet = await world.open(process, settings && { fleet: settings })
      return fleet
    },
    get fleet() {
      return fleet
    },
    get io() {
      return { signal: process.signal }
    },
    async dieBefore(call, work) {
      let armed = false
      const other = world.process({ draw: name => (armed && name === call ? 'cutBefore' : undefined) })
      const theirs = await world.open(other)
      armed = true
      await work(theirs).catch(() => {})
      if (!other.dead) throw new Error(`${call} was never called`)
    },
  }
}
