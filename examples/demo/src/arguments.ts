import { parseArgs } from 'node:util'

export interface DemoArguments {
  readonly broker: 'aedes' | 'mosquitto'
  readonly keep: boolean
  readonly help: boolean
}

export const usage = `Usage: npx pnpm@12 demo [options]
  --broker <name>   aedes (in this process, the default) or mosquitto (from your PATH)
  --keep            goes on running afterwards, with commands to try
  --help            prints this

Ports are 3000 and 8883, or free ones where these are taken. Files go to .demo, which is made anew.`

/** What a person typed that cannot be used, for the terminal. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): DemoArguments {
  const { broker, keep, help } = readFlags(argv)
  if (broker !== 'aedes' && broker !== 'mosquitto') throw new UsageError("--broker: expected 'aedes' or 'mosquitto'")
  return { broker, keep, help }
}

function readFlags(argv: readonly string[]): { broker: string; keep: boolean; help: boolean } {
  try {
    return parseArgs({
      // pnpm hands a separating `--` on.
      args: argv.filter(argument => argument !== '--'),
      options: {
        broker: { type: 'string', default: 'aedes' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
