import type { DeviceStatus } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { durationSeconds } from '../input/duration.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

interface ListOptions {
  readonly owner?: string
  readonly expiringWithin?: string
  readonly status?: string
  readonly revoked?: true
  readonly limit?: string
}

const statuses: readonly string[] = [
  'active',
  'revoked',
  'held',
  'superseded',
  'expired',
  'notYetValid',
] satisfies DeviceStatus[]
const widths = [32, 11, 20, 24] as const

export const addList: AddCommand = (program, run) => {
  program
    .command('list')
    .description('devices, by id')
    .option('--owner <name>', 'of one owner alone')
    .option('--expiring-within <duration>', 'whose certificate ends by then, such as 30d')
    .option('--status <status>', `one of ${statuses.join(', ')}`)
    .option('--revoked', 'as --status revoked')
    .option('--limit <number>', 'so many at the most')
    .action(run(list))
}

async function list(context: CommandContext, options: ListOptions): Promise<ExitCode | undefined> {
  const { output, io } = context
  const { owner, expiringWithin, revoked, limit } = options
  const status = revoked === true ? 'revoked' : options.status
  if (status !== undefined && !statuses.includes(status))
    throw usageError(`--status: expected one of ${statuses.join(', ')}`)
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) throw usageError('--limit: expected a number above 0')
  const query = {
    ...(owner === undefined ? {} : { owner }),
    ...(status === undefined ? {} : { status: status as DeviceStatus }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(expiringWithin === undefined
      ? {}
      : { expiringBefore: new Date(Date.now() + durationSeconds('--expiring-within', expiringWithin) * 1000) }),
  }
  return context.withFleet(async fleet => {
    let found = 0
    for await (const device of fleet.devices(query, { signal: io.signal })) {
      if (found === 0) output.note(line('DEVICE', 'STATUS', 'OWNER', 'VALID UNTIL', 'FINGERPRINT'))
      found += 1
      const { deviceId, fingerprint, notAfter } = device
      output.result(device, () =>
        line(deviceId, device.status, device.owner ?? '', notAfter.toISOString(), fingerprint),
      )
    }
    if (found === 0) output.note('none')
    return undefined
  })
}

/** Devices are written as they come, so the columns' widths are not known beforehand. */
function line(...cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd()
}
