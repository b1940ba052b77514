import { pathIdentity } from '@fleetcert/mqtt-client'
import { parseArguments, type SimulatorArguments, UsageError, usage } from './arguments.ts'
import { describe, runDevice } from './device.ts'

const stopped = new AbortController()
// Once: a second signal ends the process at once, as it does by default.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())

process.exitCode = await main(process.argv.slice(2))

/** Resolves the exit code: 0 ended by a signal, 1 the first connect failed, 2 the command line cannot be used. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    console.log(usage)
    return 0
  }
  let settings: SimulatorArguments
  try {
    settings = parseArguments(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    return 2
  }
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

function untilStopped(): Promise<void> {
  if (stopped.signal.aborted) return Promise.resolve()
  return new Promise(resolve => stopped.signal.addEventListener('abort', () => resolve()))
}
