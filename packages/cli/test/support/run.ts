import { PassThrough, Readable, Writable } from 'node:stream'
import { type CliIo, runCli } from 'fleetcert'

/** What a command line said and ended with. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output as JSON, one document a line. */
  readonly json: readonly Record<string, unknown>[]
}

/** Runs a command line in this process, in a folder. */
export async function run(
  cwd: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: CliIo['env']; readonly signal?: AbortSignal } = {},
): Promise<Ran> {
  const said = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof said): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += chunk
        done()
      },
    })
  const code = await runCli(args, {
    stdin: options.input === undefined ? new PassThrough().end() : Readable.from([Buffer.from(options.input)]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: options.env ?? {},
    cwd,
    signal: options.signal ?? new AbortController().signal,
  })
  return {
    code,
    ...said,
    get json() {
      return said.stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
    },
  }
}
