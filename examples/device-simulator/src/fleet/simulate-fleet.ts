import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'
import { createDisplay } from './display.ts'
import type { FleetArguments } from './fleet-arguments.ts'
import { playEvents } from './play-events.ts'
import { startFleet } from './start-fleet.ts'
import { summaryText } from './summary-text.ts'

/**
 * Runs a fleet from the command line until it is done or `signal` aborts, and says how it went. Resolves the exit code: 0 no message was lost and no device stranded, 1 not so.
 *
 * @throws UsageError for a folder that is not empty
 */
export async function simulateFleet(settings: FleetArguments, signal: AbortSignal): Promise<number> {
  const directory = claimDirectory(settings.directory)
  const out = settings.json ? process.stderr : process.stdout
  const display = createDisplay({
    write: text => out.write(text),
    isTerminal: out.isTTY === true,
    columns: () => out.columns ?? 80,
  })
  const { count, racks, broker, telemetrySeconds, protocolVersion, renewOver, clockSkewSeconds } = settings
  // Each question is a TLS connection of its own: all of them together ask some 25 times a second, where real devices ask every six hours.
  const askSeconds = Math.max(5, Math.ceil(count / 25))
  try {
    await using fleet = await startFleet({
      ...{ count, racks, directory, broker, renewalInfoSeconds: askSeconds },
      device: { telemetrySeconds, protocolVersion, renewOver, pollSeconds: askSeconds, clockSkewSeconds },
    })
    const { brokerUrl, hubUrl } = fleet.address
    display.line(`${broker} on ${brokerUrl}, hub on ${hubUrl}, files in ${directory}`)
    const summary = await playEvents(fleet, settings, display, signal)
    display.end()
    if (settings.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
    else process.stdout.write(summaryText(summary))
    return summary.held ? 0 : 1
  } finally {
    display.end()
    if (settings.directory === undefined) rmSync(directory, { recursive: true, force: true })
  }
}

function claimDirectory(directory: string | undefined): string {
  if (directory === undefined) return mkdtempSync(join(tmpdir(), 'fleetcert-simulator-'))
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (readdirSync(directory).length > 0) throw new UsageError(`--directory: ${directory} is not empty.`)
  return directory
}
