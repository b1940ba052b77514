import { parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'
import { wholeNumber } from './whole-number.ts'

export interface SimulatorArguments {
  readonly userId: string
  readonly deviceId: string
  /** `mqtts://host:port` */
  readonly url: string
  readonly certificatePath: string
  readonly privateKeyPath: string
  readonly trustAnchorsPath: string
  readonly telemetrySeconds: number
}

export const usage = `Usage: node --conditions=fleetcert-source examples/device-simulator/src/main.ts
  --user-id <user>            owner of the device, as in its topics
  --device-id <device>        as in its certificate
  --mqtt-host <host>          default localhost; must be a name in the broker's certificate
  --mqtt-secure-port <port>   default 8883
  --use-tls                   required: there is no MQTT without TLS here
  --cert-path <file>          the device's certificate, then its issuing CA (PEM)
  --key-path <file>           its private key (PEM)
  --ca-path <file>            the CAs that the broker's certificate must lead to (PEM)
  --telemetry-seconds <n>     default 5; 0 is none
  --help                      prints this`

/**
 * Reads the command line. `--use-tls` may stand alone or have a value, `true` or `false`.
 *
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): SimulatorArguments {
  const values = readFlags(argv)
  if (values['use-tls'] !== 'true') {
    throw new UsageError('This simulator speaks MQTT over mutual TLS only: add --use-tls.')
  }
  const required = (name: keyof typeof values): string => {
    const value = values[name]
    if (value === undefined || value === '') throw new UsageError(`--${name} is missing.`)
    return value
  }
  const host = values['mqtt-host'] ?? 'localhost'
  const port = wholeNumber('mqtt-secure-port', values['mqtt-secure-port'] ?? '8883', 1, 65_535)
  return {
    userId: required('user-id'),
    deviceId: required('device-id'),
    url: brokerUrl(host, port),
    certificatePath: required('cert-path'),
    privateKeyPath: required('key-path'),
    trustAnchorsPath: required('ca-path'),
    telemetrySeconds: wholeNumber('telemetry-seconds', values['telemetry-seconds'] ?? '5', 0, 86_400),
  }
}

const flags = {
  'user-id': { type: 'string' },
  'device-id': { type: 'string' },
  'mqtt-host': { type: 'string' },
  'mqtt-secure-port': { type: 'string' },
  'use-tls': { type: 'string' },
  'cert-path': { type: 'string' },
  'key-path': { type: 'string' },
  'ca-path': { type: 'string' },
  'telemetry-seconds': { type: 'string' },
} as const

function readFlags(argv: readonly string[]): { [Name in keyof typeof flags]?: string } {
  // pnpm passes a leading -- on.
  const given = argv[0] === '--' ? argv.slice(1) : argv
  const args = given.map((value, index) =>
    value === '--use-tls' && !['true', 'false'].includes(given[index + 1] ?? '') ? '--use-tls=true' : value,
  )
  try {
    return parseArgs({ args, options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function brokerUrl(host: string, port: number): string {
  const url = `mqtts://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`
  if (!URL.canParse(url) || /[/?#@\s]/.test(host))
    throw new UsageError('--mqtt-host must be a host name or an IP address.')
  return url
}
