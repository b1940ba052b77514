import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { delimiter } from 'node:path'

export { freePort } from '../../../../test-support/ports.ts'

/** A real server, run by a test. */
export interface SpawnedServer {
  readonly child: ChildProcess
  /** Everything that it has printed. */
  log(): string
  /** Resolves when it has printed that. */
  logged(pattern: RegExp): Promise<void>
  stop(): Promise<void>
}

/** Starts a server and waits until something listens on `port`. */
export async function spawnServer(name: string, args: readonly string[], port: number): Promise<SpawnedServer> {
  // Servers live in sbin, which a plain user's PATH may lack.
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/sbin'].join(delimiter)
  const child = spawn(name, args, { env: { ...process.env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 20_000
    while (!(await holds())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${name}: ${what}: ${text}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const server: SpawnedServer = {
    child,
    log: () => text,
    logged: pattern => until(`did not print ${pattern}`, () => pattern.test(text)),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill()
      await exited
    },
  }
  try {
    await until('does not listen', () => listens(port))
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
