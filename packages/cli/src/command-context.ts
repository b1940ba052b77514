import type { Fleet } from '@fleetcert/core'
import type { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { type FleetFolder, fleetFolder } from './folder/fleet-folder.ts'
import type { FleetSettings } from './folder/settings.ts'
import type { ExitCode } from './output/exit-codes.ts'
import type { Output } from './output/output.ts'

/** What a command works with. */
export interface CommandContext {
  readonly io: CliIo
  readonly output: Output
  readonly folder: FleetFolder
  /** Opens the folder's fleet, closes it afterwards, whatever happens. */
  withFleet<T>(work: (fleet: Fleet, settings: FleetSettings) => Promise<T>): Promise<T>
}

/** What a command does; resolves what the process ends with, or nothing for success. */
export type CommandWork<A extends readonly unknown[]> = (
  context: CommandContext,
  ...input: A
) => Promise<ExitCode | undefined>

export function commandContext(io: CliIo, output: Output, directory: string): CommandContext {
  const folder = fleetFolder(directory, io)
  return {
    io,
    output,
    folder,
    async withFleet(work) {
      const settings = await folder.settings()
      io.signal.throwIfAborted()
      const fleet = await folder.open(settings)
      try {
        return await work(fleet, settings)
      } finally {
        await fleet.close()
      }
    },
  }
}

/** Adds a command to the program. */
export type AddCommand = (program: Command, run: RunCommand) => void

/** Makes commander's action of a command's work: input is its arguments, then its options. */
export type RunCommand = <A extends readonly unknown[]>(
  work: CommandWork<A>,
) => (...input: [...A, Command]) => Promise<void>
