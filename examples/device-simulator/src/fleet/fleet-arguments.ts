import { parseArgs } from 'node:util'
import { UsageError } from '../usage-error.ts'
import { wholeNumber } from '../whole-number.ts'

export interface FleetArguments {
  readonly count: number
  readonly broker: 'aedes' | 'mosquitto'
  readonly racks: number
  readonly telemetrySeconds: number
  readonly protocolVersion: 4 | 5
  readonly renewals: number
  readonly renewWithinSeconds: number
  readonly renewOver: 'https' | 'mqtt'
  readonly storms: number
  readonly downSeconds: number
  readonly powerCuts: number
  readonly clockSkewSeconds: number
  readonly seconds: number
  /** A temporary one, deleted at the end, if there is none. */
  readonly directory: string | undefined
  readonly json: boolean
}

export const fleetUsage = `A whole fleet: node --conditions=fleetcert-source examples/device-simulator/src/main.ts
  --count <n>                 devices, 1 to 20000; CA, hub and broker are started for them on free ports
  --broker <name>             aedes (default) or mosquitto (from your PATH)
  --racks <n>                 processes that the devices are spread over, default 1
  --telemetry-seconds <n>     each device publishes with QoS 1 every n seconds, default 5; 0 is none
  --mqtt-version <n>          3 (3.1.1, default) or 5
  --renewals <n>              how often the operator has the whole fleet renew, default 1
  --renew-within-seconds <n>  over how long it does, default 30
  --renew-over <name>         https (default) or mqtt
  --storms <n>                how often the broker restarts, default 1
  --down-seconds <n>          how long it is away, default 5
  --power-cuts <n>            how often a rack is killed and switched on again, default 1
  --clock-skew-seconds <n>    each device's clock is off by up to so much, either way; default 30
  --seconds <n>               runs for so long at the least, default 0: until all of that is done
  --directory <path>          keeps the fleet and the devices' files there; must be empty. Default: a temporary one
  --json                      the summary as JSON on standard output, everything else on standard error
  --help                      prints this
Renewals, storms and power cuts take turns. Ctrl-C ends it early, with a summary. Exit code 0: no message lost, no device stranded; 1: not so; 2: the command line cannot be used.`

const flags = {
  count: { type: 'string' },
  broker: { type: 'string', default: 'aedes' },
  racks: { type: 'string', default: '1' },
  'telemetry-seconds': { type: 'string', default: '5' },
  'mqtt-version': { type: 'string', default: '3' },
  renewals: { type: 'string', default: '1' },
  'renew-within-seconds': { type: 'string', default: '30' },
  'renew-over': { type: 'string', default: 'https' },
  storms: { type: 'string', default: '1' },
  'down-seconds': { type: 'string', default: '5' },
  'power-cuts': { type: 'string', default: '1' },
  'clock-skew-seconds': { type: 'string', default: '30' },
  seconds: { type: 'string', default: '0' },
  directory: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** Whether the command line asks for a fleet. */
export function asksForFleet(argv: readonly string[]): boolean {
  return argv.some(argument => argument === '--count' || argument.startsWith('--count='))
}

/** @throws UsageError */
export function parseFleetArguments(argv: readonly string[]): FleetArguments {
  // pnpm passes a leading -- on.
  const values = readFlags(argv[0] === '--' ? argv.slice(1) : argv)
  const whole = (
    name: Exclude<keyof typeof values, 'json' | 'broker' | 'directory'>,
    least: number,
    most: number,
  ): number => wholeNumber(name, values[name], least, most)
  const { broker, directory, json } = values
  if (broker !== 'aedes' && broker !== 'mosquitto') throw new UsageError('--broker must be aedes or mosquitto.')
  if (directory === '') throw new UsageError('--directory must name a folder.')
  const renewOver = values['renew-over']
  if (renewOver !== 'https' && renewOver !== 'mqtt') throw new UsageError('--renew-over must be https or mqtt.')
  const version = values['mqtt-version']
  if (version !== '3' && version !== '5') throw new UsageError('--mqtt-version must be 3 or 5.')
  const count = whole('count', 1, 20_000)
  return {
    count,
    broker,
    racks: whole('racks', 1, Math.min(count, 64)),
    telemetrySeconds: whole('telemetry-seconds', 0, 86_400),
    protocolVersion: version === '3' ? 4 : 5,
    renewals: whole('renewals', 0, 1000),
    renewWithinSeconds: whole('renew-within-seconds', 1, 86_400),
    renewOver,
    storms: whole('storms', 0, 1000),
    downSeconds: whole('down-seconds', 0, 86_400),
    powerCuts: whole('power-cuts', 0, 1000),
    clockSkewSeconds: whole('clock-skew-seconds', 0, 86_400),
    seconds: whole('seconds', 0, 604_800),
    directory,
    json,
  }
}

type FlagValues = Readonly<Record<Exclude<keyof typeof flags, 'json' | 'directory'>, string>> & {
  readonly json: boolean
  readonly directory: string | undefined
}

function readFlags(argv: readonly string[]): FlagValues {
  try {
    const { values } = parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false })
    return { ...values, count: values.count ?? '', directory: values.directory }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
