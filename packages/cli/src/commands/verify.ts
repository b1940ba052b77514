import { decodePem, isPkiError, type PathPurpose, verifyPath } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readInput } from '../input/read-input.ts'
import { cliError, usageError } from '../output/cli-error.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'

interface VerifyOptions {
  readonly trust?: string
  readonly purpose: string
  readonly host?: string
}

export const addVerify: AddCommand = (program, run) => {
  program
    .command('verify')
    .description('check that a certificate leads to what is trusted, and what the fleet knows of it')
    .argument('<file>', 'PEM: the certificate, then its chain; - for standard input')
    .option('--trust <file>', 'PEM, in place of what the fleet trusts; no fleet is needed then')
    .option('--purpose <use>', 'clientAuth or serverAuth', 'clientAuth')
    .action(run(verify))
}

async function verify(context: CommandContext, file: string, options: VerifyOptions): Promise<ExitCode | undefined> {
  const { io } = context
  const { purpose } = options
  if (purpose !== 'clientAuth' && purpose !== 'serverAuth')
    throw usageError('--purpose: expected clientAuth or serverAuth')
  const [certificate, ...chain] = certificatesIn(file, await readInput(file, io, 1024 * 1024))
  if (certificate === undefined) throw cliError({ code: 'NO_CERTIFICATE', message: `${file}: no certificate in it` })
  if (options.trust !== undefined) {
    const trustAnchors = certificatesIn(options.trust, await readInput(options.trust, io, 1024 * 1024))
    return tell(context, await pathFault({ certificate, chain, trustAnchors }, purpose), undefined)
  }
  return context.withFleet(async fleet => {
    const trustAnchors = decodePem(fleet.trustAnchors).map(({ der }) => der)
    const issuers: Uint8Array[] = []
    for await (const issuer of fleet.issuers())
      if (issuer.role !== 'root') issuers.push(...decodePem(issuer.certificate).map(({ der }) => der))
    const fault = await pathFault({ certificate, chain: [...chain, ...issuers], trustAnchors }, purpose)
    const status = purpose === 'clientAuth' ? (await fleet.identify({ der: certificate })).status : undefined
    return tell(context, fault, status)
  })
}

interface PathParts {
  readonly certificate: Uint8Array
  readonly chain: readonly Uint8Array[]
  readonly trustAnchors: readonly Uint8Array[]
}

async function pathFault(parts: PathParts, purpose: PathPurpose): Promise<string | undefined> {
  try {
    await verifyPath({ ...parts, at: new Date(), purpose, revocation: 'off' })
    return undefined
  } catch (error) {
    if (isPkiError(error)) return error.message
    throw error
  }
}

function tell({ output }: CommandContext, fault: string | undefined, status: string | undefined): ExitCode | undefined {
  const ok = fault === undefined && (status === undefined || status === 'active')
  const value = { ok, ...(fault === undefined ? {} : { fault }), ...(status === undefined ? {} : { status }) }
  const words = [fault ?? 'the path is good', ...(status === undefined ? [] : [`the fleet says: ${status}`])]
  output.result(value, `${output.paint(ok ? 'green' : 'red', ok ? 'ok' : 'refused')}: ${words.join('; ')}`)
  return ok ? undefined : exitCodes.checkFailed
}

function certificatesIn(file: string, octets: Buffer): readonly Uint8Array[] {
  if (octets[0] === 0x30) return [octets]
  const blocks = decodePem(octets.toString('latin1')).filter(({ label }) => label === 'CERTIFICATE')
  if (blocks.length === 0) throw cliError({ code: 'NO_CERTIFICATE', message: `${file}: no certificate in it` })
  return blocks.map(({ der }) => der)
}
