import {
  type CertificateId,
  type CrlReason,
  type Fleet,
  type RevocationResult,
  revocationReasons,
} from '@fleetcert/core'
import type { Command } from 'commander'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

/** How one certificate is named. */
export interface TargetOptions {
  readonly fingerprint?: string
  readonly serial?: string
  readonly issuer?: string
}

interface RevokeOptions extends TargetOptions {
  readonly reason?: string
}

/** Which certificates: a device's, or one. */
export type CliTarget = string | { readonly fingerprint: string } | CertificateId

export const addRevoke: AddCommand = (program, run) => {
  withTarget(program.command('revoke').description('end a device, or one certificate, for good'))
    .option('--reason <reason>', `one of ${revocationReasons.join(', ')}`)
    .action(run((context, id: string | undefined, options: RevokeOptions) => end(context, id, options, options.reason)))
}

export const addHold: AddCommand = (program, run) => {
  withTarget(program.command('hold').description('shut a device, or one certificate, out until it is released')).action(
    run((context, id: string | undefined, options: RevokeOptions) => end(context, id, options, 'certificateHold')),
  )
}

async function end(
  context: CommandContext,
  id: string | undefined,
  options: RevokeOptions,
  reason: string | undefined,
): Promise<ExitCode | undefined> {
  if (reason !== undefined && !(revocationReasons as readonly string[]).includes(reason)) {
    throw usageError(`--reason: expected one of ${revocationReasons.join(', ')}`)
  }
  checkTarget(id, options)
  return context.withFleet(async fleet => {
    const target = await targetOf(fleet, id, options)
    const result = await fleet.revoke(target, reason === undefined ? {} : { reason: reason as CrlReason })
    tell(context, result)
    return undefined
  })
}

function tell({ output }: CommandContext, result: RevocationResult): void {
  const { deviceId, revocationDate, reason, certificates } = result
  const what = deviceId ?? 'the certificate'
  const verb = reason === 'certificateHold' ? 'held' : 'revoked'
  output.result({ deviceId, revocationDate, reason, certificates }, () =>
    certificates.length === 0
      ? `${what} was ${verb} before, on ${revocationDate.toISOString()}`
      : `${verb} ${what}: ${certificates.length} certificate${certificates.length === 1 ? '' : 's'}, ${reason}`,
  )
  output.note('fleetcert serve knows within a second; sessions that are open are not closed: it has no enforcer')
}

/** The arguments of commands that are about a device or one certificate. */
export function withTarget(command: Command): Command {
  return command
    .argument('[id]', 'device id: all its certificates')
    .option('--fingerprint <sha256>', 'of one certificate')
    .option('--serial <hex>', 'of one certificate')
    .option('--issuer <key id>', 'whose serial number it is, where there are several issuers')
}

/** Exactly one way of saying what is meant. */
export function checkTarget(id: string | undefined, { fingerprint, serial }: TargetOptions): void {
  const said = [id, fingerprint, serial].filter(part => part !== undefined)
  if (said.length !== 1) throw usageError('expected a device id, or --fingerprint, or --serial, and only one of them')
}

/** What is meant. A serial number is one of an issuer's: which one has to be said as soon as there are several. */
export async function targetOf(fleet: Fleet, id: string | undefined, options: TargetOptions): Promise<CliTarget> {
  const { fingerprint, serial, issuer } = options
  if (id !== undefined) return id
  if (fingerprint !== undefined) return { fingerprint }
  const serialNumber = (serial ?? '').replaceAll(':', '').toLowerCase()
  if (!/^([0-9a-f]{2}){1,20}$/.test(serialNumber)) {
    throw usageError('--serial: expected hexadecimal digits, an even number of them')
  }
  const issuers: string[] = []
  for await (const { role, issuerKeyId } of fleet.issuers()) if (role !== 'root') issuers.push(issuerKeyId)
  const meant = issuer === undefined ? issuers : issuers.filter(keyId => keyId === issuer.toLowerCase())
  const [issuerKeyId] = meant
  if (issuerKeyId !== undefined && meant.length === 1) return { issuerKeyId, serialNumber }
  throw usageError(`--issuer: expected one of ${issuers.join(', ')}`)
}
