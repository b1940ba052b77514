import { pathIdentity } from '@fleetcert/mqtt-client'
import { parseArguments, type SimulatorArguments, usage } from './arguments.ts'
import { describe, runDevice } from './device.ts'
import { asksForFleet, type FleetArguments, fleetUsage, parseFleetArguments } from './fleet/fleet-arguments.ts'
import { UsageError } from './usage-error.ts'

const stopped = new AbortController()
// Once: a second signal ends the process at once, as it does by default.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())

process.exitCode = await main(process.argv.slice(2))

/** Resolves the exit code: 2 if the command line cannot be used, else what the device or the fleet came to. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    console.log(`${usage}\n\n${fleetUsage}`)
    return 0
  }
  try {
    if (asksForFleet(argv)) return await runFleet(parseFleetArguments(argv))
    return await runOne(parseArguments(argv))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}\n\n${fleetUsage}`)
    return 2
  }
}

/** 0 ended by a signal, 1 the first connect failed. */
async function runOne(settings: SimulatorArguments): Promise<number> {
  try {
    const device = await runDevice({ ...settings, identity: pathIdentity(settings), signal: stopped.signal })
    await untilStopped()
    await device.close()
  } catch (error) {
    if (!stopped.signal.aborted) {
      console.error(`cannot connect: ${describe(error)}`)
      return 1
    }
  }
  console.log('ended')
  return 0
}

/** 0 nothing lost and nobody stranded, 1 not so. */
async function runFleet(settings: FleetArguments): Promise<number> {
  // A single device does without the fleet's code.
  const { simulateFleet } = await import('./fleet/simulate-fleet.ts')
  return simulateFleet(settings, stopped.signal)
}

function untilStopped(): Promise<void> {
  if (stopped.signal.aborted) return Promise.resolve()
  return new Promise(resolve => stopped.signal.addEventListener('abort', () => resolve()))
}
