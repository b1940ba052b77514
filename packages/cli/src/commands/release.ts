import type { AddCommand, CommandContext } from '../command-context.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'
import { checkTarget, type TargetOptions, targetOf, withTarget } from './revoke.ts'

export const addRelease: AddCommand = (program, run) => {
  withTarget(program.command('release').description('take back a hold')).action(run(release))
}

async function release(
  context: CommandContext,
  id: string | undefined,
  options: TargetOptions,
): Promise<ExitCode | undefined> {
  checkTarget(id, options)
  return context.withFleet(async fleet => {
    const released = await fleet.release(await targetOf(fleet, id, options))
    context.output.result({ released }, released ? `released ${id ?? 'the certificate'}` : 'nothing was held')
    return released ? undefined : exitCodes.notFound
  })
}
