import { isPkiError } from '@fleetcert/core'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { type Certified, certifyDevice } from '../folder/certify.ts'
import { deviceFiles, dropNextKey } from '../folder/key-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { fileModes, writeFileWhole } from '../folder/write-file.ts'
import { attributesOf, collect } from '../input/attributes.ts'
import { durationSeconds } from '../input/duration.ts'
import { readInput } from '../input/read-input.ts'
import type { ExitCode } from '../output/exit-codes.ts'
import { facts } from '../output/table.ts'

interface DeviceOptions {
  readonly owner?: string
  readonly attribute?: readonly string[]
  readonly validity?: string
  readonly profile?: string
  readonly csr?: string
  readonly service?: true
}

const csrLimitBytes = 64 * 1024

export const addDevice: AddCommand = (program, run) => {
  program
    .command('device')
    .description('make the first certificate of a device')
    .argument('<id>', 'device id')
    .option('--owner <name>', 'whose it is')
    .option('--attribute <name=value>', 'for topic templates; may be said several times', collect)
    .option('--validity <duration>', 'such as 90d (default: one year, or what the profile says)')
    .option('--profile <name>', 'a certificate profile of the fleet')
    .option('--csr <file>', 'a PKCS #10 request, PEM or DER, - for standard input: the key stays where it is')
    .option('--service', 'of the backend itself, which may reach the topics of all devices')
    .action(run(device))
}

async function device(
  context: CommandContext,
  deviceId: string,
  options: DeviceOptions,
): Promise<ExitCode | undefined> {
  const { folder, output, io } = context
  const { owner, profile, validity } = options
  const attributes = attributesOf(options.attribute)
  const request = {
    ...(owner === undefined ? {} : { owner }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(profile === undefined ? {} : { profile }),
    ...(validity === undefined ? {} : { validitySeconds: durationSeconds('--validity', validity) }),
    ...(options.service === undefined ? {} : { role: 'service' as const }),
  }
  const csr = options.csr === undefined ? undefined : await readInput(options.csr, io, csrLimitBytes)
  return context.withFleet(async (fleet, { brokerUrl }) => {
    const files = deviceFiles(folder, deviceId)
    let made: Certified
    if (csr === undefined) {
      made = await certifyDevice(fleet, files, deviceId, async request_ => {
        try {
          return await fleet.enroll(deviceId, { ...request, csr: request_ })
        } catch (error) {
          // Refused for good: the key would lie about for nothing.
          if (isPkiError(error) && error.code !== 'ERR_PKI_STORE_UNAVAILABLE') await dropNextKey(files)
          throw error
        }
      })
    } else {
      made = await fleet.enroll(deviceId, { ...request, csr: isPem(csr) ? csr.toString('latin1') : csr })
      await writeFileWhole(files.certificate, made.certificate + made.chain, fileModes.public)
    }
    await writeTrustFiles(folder, fleet)
    const { fingerprint, serialNumber, notAfter } = made
    const paths = {
      certificate: files.certificate,
      ...(csr === undefined ? { key: files.key } : {}),
      trust: folder.path('ca-cert.pem'),
    }
    output.result({ deviceId, fingerprint, serialNumber, notAfter, brokerUrl, files: paths }, () =>
      facts([
        ['device', deviceId],
        ['certificate', paths.certificate],
        ['key', paths.key ?? 'stays on the device'],
        ['trust', paths.trust],
        ['fingerprint', fingerprint],
        ['valid until', notAfter.toISOString()],
        ['broker', brokerUrl],
      ]),
    )
    return undefined
  })
}

function isPem(octets: Buffer): boolean {
  return octets.includes('-----BEGIN ')
}
