import { existsSync } from 'node:fs'
import type { DeviceRecord, Fleet } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { certifyDevice } from '../folder/certify.ts'
import { deviceFiles } from '../folder/key-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { durationSeconds } from '../input/duration.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { unknownDevice } from './show.ts'

interface RotateOptions {
  readonly all?: true
  readonly expiringWithin?: string
  readonly owner?: string
  readonly overlap?: string
  readonly over?: string
}

/** How many devices one renewal schedule names at the most. */
const scheduleSize = 1000

export const addRotate: AddCommand = (program, run) => {
  program
    .command('rotate')
    .description('renew: certificates whose keys are in the folder at once, the others by asking their devices to')
    .argument('[ids...]', 'device ids')
    .option('--all', 'every active device')
    .option('--expiring-within <duration>', 'active devices whose certificate ends by then, such as 30d')
    .option('--owner <name>', 'active devices of one owner')
    .option('--overlap <duration>', 'how long an old certificate stays good beside the new one (default: 1d)')
    .option('--over <duration>', 'over which time devices that hold their keys are asked to renew (default: 1h)')
    .action(run(rotate))
}

async function rotate(
  context: CommandContext,
  ids: readonly string[],
  options: RotateOptions,
): Promise<ExitCode | undefined> {
  const { output, folder, io } = context
  const { all, expiringWithin, owner, overlap = '1d', over = '1h' } = options
  if (ids.length > 0 === (all === true || expiringWithin !== undefined || owner !== undefined)) {
    throw usageError('expected device ids, or --all, --expiring-within or --owner')
  }
  const overlapSeconds = durationSeconds('--overlap', overlap)
  const overSeconds = durationSeconds('--over', over)
  const query = {
    status: 'active',
    ...(owner === undefined ? {} : { owner }),
    ...(expiringWithin === undefined
      ? {}
      : { expiringBefore: new Date(Date.now() + durationSeconds('--expiring-within', expiringWithin) * 1000) }),
  } as const
  return context.withFleet(async fleet => {
    const devices = ids.length > 0 ? named(fleet, ids) : fleet.devices(query, { signal: io.signal })
    const [asked, renewed] = [[] as string[], [] as string[]]
    for await (const { deviceId } of devices) {
      io.signal.throwIfAborted()
      const files = deviceFiles(folder, deviceId)
      if (!existsSync(files.key) && !existsSync(files.nextKey)) {
        asked.push(deviceId)
        continue
      }
      const made = await certifyDevice(fleet, files, deviceId, csr => fleet.renew(deviceId, { csr, overlapSeconds }))
      renewed.push(deviceId)
      output.result(
        { deviceId, action: 'renewed', fingerprint: made.fingerprint, notAfter: made.notAfter },
        () => `renewed ${deviceId}, good until ${made.notAfter.toISOString()}`,
      )
    }
    const from = new Date()
    const to = new Date(from.getTime() + overSeconds * 1000)
    for (let first = 0; first < asked.length; first += scheduleSize) {
      const deviceIds = asked.slice(first, first + scheduleSize)
      await fleet.scheduleRenewals({ from, to, deviceIds })
      for (const deviceId of deviceIds)
        output.result({ deviceId, action: 'asked', by: to }, `asked ${deviceId} to renew by ${to.toISOString()}`)
    }
    await writeTrustFiles(folder, fleet)
    if (renewed.length + asked.length === 0) output.note('none')
    return undefined
  })
}

/** All of them are looked up before the first is renewed: a misspelt one should not be heard of half-way. */
async function* named(fleet: Fleet, ids: readonly string[]): AsyncIterable<DeviceRecord> {
  const devices: DeviceRecord[] = []
  for (const id of new Set(ids)) {
    const device = await fleet.device(id)
    if (device === undefined) throw unknownDevice(id)
    devices.push(device)
  }
  yield* devices
}
