import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { decodePem, type Fleet, isPkiError, parseCertificate } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { readInput } from '../input/read-input.ts'
import { type ExitCode, exitCodes } from '../output/exit-codes.ts'

interface ImportOptions {
  readonly caCert: string
  readonly caKey: string
  readonly chain?: string
  readonly certs?: string
}

const limitBytes = 1024 * 1024

export const addImport: AddCommand = (program, run) => {
  program
    .command('import')
    .description(
      'take over a CA that was made by scripts, with the certificates that it has issued; no device is touched',
    )
    .requiredOption('--ca-cert <file>', 'its certificate')
    .requiredOption('--ca-key <file>', 'its key; FLEETCERT_CA_PASSPHRASE opens an encrypted one')
    .option('--chain <file>', 'the CAs above it, where it is not self-signed')
    .option('--certs <folder>', 'what it has issued: PEM or DER files, in folders below, too')
    .action(run(importCa))
}

async function importCa(context: CommandContext, options: ImportOptions): Promise<ExitCode | undefined> {
  const { folder, io, output } = context
  const text = async (file: string): Promise<string> => (await readInput(file, io, limitBytes)).toString('latin1')
  const [certificate] = await certificatesOf(resolve(io.cwd, options.caCert))
  const privateKey = await text(options.caKey)
  const passphrase = io.env['FLEETCERT_CA_PASSPHRASE']
  const chain = options.chain === undefined ? undefined : await text(options.chain)
  const found = options.certs === undefined ? [] : await filesBelow(resolve(io.cwd, options.certs))
  return context.withFleet(async fleet => {
    const files: string[] = []
    const own = (await ownCas(fleet)).add(Buffer.from(certificate ?? []).toString('base64'))
    const { adopted, known, expired, refused, issuerKeyId } = await fleet.adoptIssuer({
      certificate: certificate ?? '',
      key: { privateKey, ...(passphrase === undefined ? {} : { passphrase }) },
      ...(chain === undefined ? {} : { chain }),
      certificates: issuedIn(found, files, own, io.signal),
    })
    await writeTrustFiles(folder, fleet)
    const refusals = refused.map(({ index, reason }) => ({ file: relative(io.cwd, files[index] ?? ''), reason }))
    output.result({ issuerKeyId, adopted, known, expired, refused: refusals }, () =>
      [
        `took over ${adopted} certificates; ${known} were known, ${expired} have expired, ${refusals.length} were refused`,
        ...refusals.map(({ file, reason }) => `${file}: ${refusalWords[reason]}`),
      ].join('\n'),
    )
    output.note(
      'brokers: take over ca-cert.pem and reload; devices go on as they are, and get a certificate of the new CA when they renew',
    )
    return refusals.length === 0 ? undefined : exitCodes.checkFailed
  })
}

const refusalWords = {
  unreadable: 'not a certificate that can be read',
  foreignIssuer: 'another CA has signed it',
  ca: 'it is a CA',
  unassigned: 'its common name can be no device id',
  key: 'its key is weak or blocked',
  serialTaken: 'another certificate of that CA has its serial number: the device needs a new one',
} as const

/** Certificates in files, one at a time; `files` says of each where it was. Those that a chain carries along are passed over. */
async function* issuedIn(
  paths: readonly string[],
  files: string[],
  passedOver: ReadonlySet<string>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for (const path of paths) {
    signal.throwIfAborted()
    for (const der of await certificatesOf(path)) {
      if (passedOver.has(Buffer.from(der).toString('base64'))) continue
      files.push(path)
      yield der
    }
  }
}

async function ownCas(fleet: Fleet): Promise<Set<string>> {
  const own = new Set<string>()
  for await (const { certificate } of fleet.issuers())
    own.add(Buffer.from(parseCertificate(certificate).der).toString('base64'))
  return own
}

/** The certificates in a file: none in one that holds something else. */
async function certificatesOf(path: string): Promise<readonly Uint8Array[]> {
  if ((await stat(path)).size > limitBytes) return []
  const octets = await readFile(path)
  if (octets[0] === 0x30) return [octets]
  try {
    return decodePem(octets.toString('latin1'))
      .filter(({ label }) => label === 'CERTIFICATE' || label === 'TRUSTED CERTIFICATE')
      .map(({ der }) => der)
  } catch (error) {
    if (isPkiError(error)) return []
    throw error
  }
}

/** In the order of their names, so that the same folder is taken over in the same way. */
async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && /\.(pem|crt|cer|der)$/i.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}
