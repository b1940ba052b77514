import { resolve } from 'node:path'
import { writeBackup } from '@fleetcert/core/backup'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { collect } from '../input/attributes.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

export const addBackup: AddCommand = (program, run) => {
  program
    .command('backup')
    .description('the whole fleet as one encrypted file (age), while it is at work')
    .argument('<file>', 'a new file')
    .option(
      '--recipient <age1…>',
      'who can open it, of age-keygen; may be said several times (default: FLEETCERT_PASSPHRASE)',
      collect,
    )
    .action(run(backup))
}

async function backup(
  context: CommandContext,
  file: string,
  { recipient: recipients }: { readonly recipient?: readonly string[] },
): Promise<ExitCode | undefined> {
  const { io, output } = context
  const lock = recipients === undefined ? { passphrase: backupPassphrase(context) } : { recipients }
  return context.withFleet(async fleet => {
    const path = resolve(io.cwd, file)
    const { octets } = await writeBackup(path, fleet.backup({ ...lock, signal: io.signal }))
    output.result({ file: path, octets }, `${path}: ${octets} octets`)
    return undefined
  })
}

/** What encrypts and opens backups. */
export function backupPassphrase({ io }: CommandContext): string {
  const passphrase = io.env['FLEETCERT_PASSPHRASE'] ?? ''
  if (passphrase === '')
    throw usageError('FLEETCERT_PASSPHRASE is not set', 'it encrypts and opens backups; or name keys of age')
  return passphrase
}
