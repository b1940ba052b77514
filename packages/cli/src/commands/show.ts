import type { DeviceRecord } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { cliError } from '../output/cli-error.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'

export const addShow: AddCommand = (program, run) => {
  program.command('show').description('what is known of a device').argument('<id>', 'device id').action(run(show))
}

async function show(context: CommandContext, deviceId: string): Promise<ExitCode | undefined> {
  return context.withFleet(async fleet => {
    const device = await fleet.device(deviceId)
    if (device === undefined) throw unknownDevice(deviceId)
    context.output.result(device, () => deviceText(device))
    return undefined
  })
}

/** A device that the fleet does not have. */
export function unknownDevice(deviceId: string): Error {
  const hint = 'fleetcert list shows those that there are'
  return cliError({
    code: 'NO_DEVICE',
    message: `no device ${JSON.stringify(deviceId)}`,
    hint,
    exitCode: exitCodes.notFound,
  })
}

function deviceText(device: DeviceRecord): string {
  const { deviceId, status, role, owner, attributes, fingerprint, serialNumber, issuerKeyId } = device
  const { createdAt, notBefore, notAfter, revokedAt, reason } = device
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${value}`)
  return facts([
    ['device', deviceId],
    ['status', reason === undefined ? status : `${status} (${reason})`],
    ['role', role === 'device' ? undefined : role],
    ['owner', owner],
    ['attributes', pairs.length === 0 ? undefined : pairs.join(' ')],
    ['fingerprint', fingerprint],
    ['serial number', serialNumber],
    ['issuer key', issuerKeyId],
    ['made', createdAt.toISOString()],
    ['valid', `${notBefore.toISOString()} to ${notAfter.toISOString()}`],
    ['revoked', revokedAt?.toISOString()],
  ])
}
