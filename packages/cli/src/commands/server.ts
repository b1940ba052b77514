import type { AddCommand, CommandContext } from '../command-context.ts'
import { requestOf } from '../folder/certify.ts'
import { prepareNextKey, putCredential, serverFiles } from '../folder/key-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { durationSeconds } from '../input/duration.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'

export const addServer: AddCommand = (program, run) => {
  program
    .command('server')
    .description('make the certificate of the broker')
    .argument('<hosts...>', 'names and addresses by which devices reach it')
    .option('--validity <duration>', 'such as 90d')
    .action(run(server))
}

async function server(
  context: CommandContext,
  hosts: readonly string[],
  options: { readonly validity?: string },
): Promise<ExitCode | undefined> {
  const { folder, output } = context
  const validity =
    options.validity === undefined ? {} : { validitySeconds: durationSeconds('--validity', options.validity) }
  return context.withFleet(async fleet => {
    const files = serverFiles(folder)
    const csr = await requestOf('server', await prepareNextKey(files))
    const made = await fleet.issueServer({ hosts, csr: Buffer.from(csr), ...validity })
    await putCredential(files, made.certificate + made.chain)
    await writeTrustFiles(folder, fleet)
    const { fingerprint, serialNumber, notAfter } = made
    const paths = { certificate: files.certificate, key: files.key, trust: folder.path('ca-cert.pem') }
    output.result({ hosts, fingerprint, serialNumber, notAfter, files: paths }, () =>
      facts([
        ['hosts', hosts.join(' ')],
        ['certificate', paths.certificate],
        ['key', paths.key],
        ['trust', paths.trust],
        ['fingerprint', fingerprint],
        ['valid until', notAfter.toISOString()],
      ]),
    )
    return undefined
  })
}
