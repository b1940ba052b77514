import { Argument } from 'commander'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'

const steps = ['status', 'announce', 'issue', 'retire', 'withdraw'] as const

interface RolloverOptions {
  readonly root?: true
  readonly force?: true
}

const next: Readonly<Record<string, string>> = {
  announced: 'brokers take over ca-cert.pem and reload; when devices have heard of it: fleetcert rollover issue',
  issuing:
    'a new certificate for the broker: fleetcert server <host>; when nothing depends on the old CA: fleetcert rollover retire',
  retired: 'brokers take over ca-cert.pem and reload',
}

export const addRollover: AddCommand = (program, run) => {
  program
    .command('rollover')
    .description('replace the issuing CA, or with --root the root, too, step by step')
    .addArgument(new Argument('[step]').choices(steps).default('status'))
    .option('--root', 'announce: a new root as well')
    .option('--force', 'retire: also while something depends on the old CA; it is cut off')
    .action(run(rollover))
}

async function rollover(
  context: CommandContext,
  step: (typeof steps)[number],
  options: RolloverOptions,
): Promise<ExitCode | undefined> {
  const { folder, output } = context
  if (options.root === true && step !== 'announce') throw usageError('--root: belongs to announce')
  if (options.force === true && step !== 'retire') throw usageError('--force: belongs to retire')
  return context.withFleet(async fleet => {
    if (step !== 'status') {
      await fleet.rollover(step, { ...(options.root && { root: true }), ...(options.force && { force: true }) })
      await writeTrustFiles(folder, fleet)
    }
    const status = await fleet.rolloverStatus()
    if (status === undefined) {
      output.result({ phase: null }, 'there was no rollover yet: fleetcert rollover announce begins one')
      return undefined
    }
    const { phase, dependents } = status
    output.result(status, () =>
      facts([
        ['phase', phase],
        [
          'depend on the old CA',
          `${dependents.devices} devices, ${dependents.services} services, ${dependents.servers} servers`,
        ],
        ['among them', dependents.deviceIds.length === 0 ? undefined : dependents.deviceIds.slice(0, 10).join(' ')],
        ['until', dependents.until?.toISOString()],
        ['next', next[phase]],
      ]),
    )
    return undefined
  })
}
