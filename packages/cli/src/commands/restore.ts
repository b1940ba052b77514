import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { restoreFleet } from '@fleetcert/core/backup'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readKeptSettings, settingsName, writeSettings } from '../folder/settings.ts'
import { makeToken, tokenNames } from '../folder/token-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { collect } from '../input/attributes.ts'
import { readInput } from '../input/read-input.ts'
import { cliError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'
import { backupPassphrase } from './backup.ts'

interface RestoreOptions {
  readonly identity?: string
  readonly crl?: readonly string[]
}

export const addRestore: AddCommand = (program, run) => {
  program
    .command('restore')
    .description('bring a fleet back into an empty folder')
    .argument('<file>', 'of fleetcert backup')
    .option('--identity <file>', 'of age-keygen (default: FLEETCERT_PASSPHRASE)')
    .option(
      '--crl <file>',
      'the CRL that was published last: without it, what was revoked since is active again; may be said several times',
      collect,
    )
    .action(run(restore))
}

async function restore(context: CommandContext, file: string, options: RestoreOptions): Promise<ExitCode | undefined> {
  const { folder, io, output } = context
  if (existsSync(folder.path(settingsName))) {
    throw cliError({
      code: 'FLEET_EXISTS',
      message: `there is a fleet in ${folder.directory} already: nothing was changed`,
    })
  }
  const lock =
    options.identity === undefined
      ? { passphrase: backupPassphrase(context) }
      : { identities: identitiesIn((await readInput(options.identity, io, 64 * 1024)).toString('utf8')) }
  const revocations = await Promise.all(
    (options.crl ?? []).map(async path => crlOf(await readInput(path, io, 64 * 1024 * 1024))),
  )
  const store = folder.store()
  let result: Awaited<ReturnType<typeof restoreFleet>>
  let settings: Awaited<ReturnType<typeof readKeptSettings>>
  try {
    result = await restoreFleet({
      ...lock,
      from: resolve(io.cwd, file),
      store,
      keyring: folder.keyring(),
      signal: io.signal,
      ...(revocations.length === 0 ? {} : { revocations }),
    })
    settings = await readKeptSettings(store)
  } finally {
    await store.close()
  }
  const fleet = await folder.open(settings)
  try {
    await writeTrustFiles(folder, fleet)
  } finally {
    await fleet.close()
  }
  for (const name of tokenNames) await makeToken(folder, name)
  await writeSettings(folder.path(settingsName), settings)
  const { records, keys, revocations: merged, revokedIssuers } = result
  output.result({ records, keys, revocations: merged, revokedIssuers }, () =>
    facts([
      ['certificates', String(records.certificate ?? 0)],
      ...keys.map(({ name, status }) => [`key ${name}`, status] as const),
      ['revoked since', String(merged.merged)],
    ]),
  )
  for (const issuerKeyId of revokedIssuers) {
    output.note(
      `the CA ${issuerKeyId} was revoked after the backup and is in use again: end it with fleet.revokeIssuer()`,
    )
  }
  if (revocations.length === 0) output.note('no --crl was given: what was revoked after the backup is active again')
  output.note('operator-token and broker-token are new; files of devices are not in a backup')
  return undefined
}

function crlOf(octets: Buffer): Uint8Array | string {
  return octets[0] === 0x30 ? octets : octets.toString('latin1')
}

/** The lines of an identity file; comments begin with #. */
function identitiesIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}
