import { resolve } from 'node:path'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { fileModes, writeFileWhole } from '../folder/write-file.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

interface CrlOptions {
  readonly issuer?: string
  readonly shard: string
  readonly der?: true
  readonly out?: string
}

export const addCrl: AddCommand = (program, run) => {
  program
    .command('crl')
    .description('the current CRL, signed anew where there are new revocations')
    .option('--issuer <key id>', 'of another CA than the issuing one')
    .option('--shard <number>', 'of a fleet with several', '0')
    .option('--der', 'octets in place of PEM')
    .option('--out <file>', 'to a file, which is replaced whole')
    .action(run(crl))
}

async function crl(context: CommandContext, options: CrlOptions): Promise<ExitCode | undefined> {
  const { output, io } = context
  const { issuer, out, der } = options
  if (!/^\d{1,4}$/.test(options.shard)) throw usageError('--shard: expected a number')
  const shard = Number(options.shard)
  return context.withFleet(async fleet => {
    const signed = await fleet.crl({ shard, ...(issuer === undefined ? {} : { issuerKeyId: issuer }) })
    const { issuerKeyId, crlNumber, thisUpdate, nextUpdate, upToDate } = signed
    const content = der === true ? signed.der : signed.pem
    if (!upToDate) output.note('not up to date: a new CRL could not be signed')
    const value = { issuerKeyId, shard, crlNumber: `${crlNumber}`, thisUpdate, nextUpdate, upToDate }
    if (out === undefined && !output.json) {
      output.raw(content)
      return undefined
    }
    if (out !== undefined) await writeFileWhole(resolve(io.cwd, out), content, fileModes.public)
    output.result(
      out === undefined ? { ...value, pem: signed.pem } : { ...value, file: out },
      `CRL ${crlNumber}, good until ${nextUpdate.toISOString()}: ${out}`,
    )
    return undefined
  })
}
