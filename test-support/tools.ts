import { type ExecFileSyncOptions, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

// Servers live in sbin, which a plain user's PATH may lack.
const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/sbin'].join(delimiter)

/** Whether a program can be started. With FLEETCERT_REQUIRE_TOOLS=1 a missing one is an error, not a skip. */
export function hasTool(name: string): boolean {
  const found = spawnSync(name, ['--help'], { env: { ...process.env, PATH: path }, stdio: 'ignore', timeout: 10_000 })
  const missing = (found.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  if (missing && process.env['FLEETCERT_REQUIRE_TOOLS'] === '1') throw new Error(`${name} is not installed`)
  return !missing
}

/** `describe` with a real program as the judge; skipped visibly where it is missing. */
export function describeWith(tools: readonly string[], name: string, body: () => void): void {
  const missing = tools.filter(tool => !hasTool(tool))
  if (missing.length === 0) describe(name, body)
  else describe.skip(`${name} (skipped: no ${missing.join(', ')})`, body)
}

/** Runs a program to its end and resolves what it printed, standard output and error together, and how it ended. */
export function runTool(
  name: string,
  args: readonly string[],
  options: ExecFileSyncOptions & { readonly input?: string | Uint8Array } = {},
): { readonly status: number; readonly output: string } {
  const result = spawnSync(name, args, {
    ...options,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (result.error !== undefined) throw result.error
  return { status: result.status ?? -1, output: `${result.stdout}${result.stderr}` }
}

/** As {@link runTool}, but throws unless it ends with 0; standard output alone, as bytes. */
export function toolOutput(name: string, args: readonly string[], input?: string | Uint8Array): Buffer {
  return execFileSync(name, args, {
    env: { ...process.env, PATH: path },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  })
}

/** A folder for one test, and how to be rid of it. */
export function temporaryDirectory(): { readonly directory: string; path(name: string): string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-'))
  return {
    directory,
    path: name => join(directory, name),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
