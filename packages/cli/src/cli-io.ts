import type { Readable, Writable } from 'node:stream'

/** What a command has of the process around it. */
export interface CliIo {
  /** Read where a file is named `-`. */
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** Results, and nothing else. */
  readonly stdout: Writable & { readonly isTTY?: boolean }
  /** Notes, questions, progress and errors. */
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /** Read: `CERTS_DIR`, `FLEETCERT_KEY_PASSPHRASE`, `MQTT_SECURE_PORT`, `NO_COLOR`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What relative paths are relative to. */
  readonly cwd: string
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** The process's own. SIGINT, SIGTERM and SIGHUP abort its signal; a second one ends the process as it would have without us. */
export function processIo(): CliIo {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => stop.abort(new DOMException(name, 'AbortError')))
  }
  const { stdin, stdout, stderr, env } = process
  return { stdin, stdout, stderr, env, cwd: process.cwd(), signal: stop.signal }
}
