import type { Account } from './account-for.ts'
import type { Percentiles } from './histogram.ts'
import type { Spread } from './spread.ts'

/** How a simulation went. */
export interface FleetSummary {
  /** No message lost, none doubled, no device stranded, every old certificate superseded. */
  readonly held: boolean
  readonly devices: number
  readonly broker: string
  readonly seconds: number
  /** Devices that were not connected at the end. */
  readonly stranded: readonly string[]
  readonly messages: Account
  readonly renewals: {
    readonly renewed: number
    /** Attempts that failed and were made again, by code. */
    readonly failed: Readonly<Record<string, number>>
    /** Devices that have an old certificate that is still good after all renewals. */
    readonly notSuperseded: number
  }
  readonly storms: readonly (Spread & { readonly downSeconds: number })[]
  /** How long until all devices of the rack were back. */
  readonly powerCuts: readonly { readonly devices: number; readonly backAfterSeconds: number }[]
  /** In seconds. */
  readonly percentiles: Readonly<Record<'connect' | 'away' | 'acknowledge' | 'renewal', Percentiles | undefined>>
  /** Of the processes at the end. */
  readonly processes: Readonly<
    Record<'devices' | 'backend', { readonly residentMiB: number; readonly cpuSeconds: number }>
  >
}
