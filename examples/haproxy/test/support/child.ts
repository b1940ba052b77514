import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// Servers live in sbin, which a plain user's PATH may lack.
const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin', '/sbin'].join(delimiter)

/** A program of our own, and all that it has said. */
export interface Child {
  readonly pid: number
  readonly log: () => string
  /** Resolves once a line of its output is this one, or has ended. */
  said(text: string): Promise<void>
  /** Resolves the exit code once it has ended by itself; `null` if a signal ended it. */
  ended(): Promise<number | null>
  /** Sends the signal, and resolves the exit code; `null` if the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Whatever is started is ended by {@link endAll}. */
const running = new Set<Child>()

/** In a group of its own, so that what it starts itself ends with it. */
export function startChild(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const child: ChildProcess = spawn(program, args, {
    detached: true,
    env: { ...process.env, PATH: path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream!.setEncoding('utf8').on('data', text => (log += text))
  child.once('error', error => (log += `${error.message}\n`))
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const started: Child = {
    get pid() {
      return child.pid!
    },
    log: () => log,
    async said(text) {
      while (!log.includes(text)) {
        if (hasEnded()) throw new Error(`${program} has ended: ${log.slice(-4000)}`)
        await sleep(20)
      }
    },
    async ended() {
      if (!hasEnded()) await once(child, 'exit')
      running.delete(started)
      return child.exitCode
    },
    end(signal = 'SIGKILL') {
      const ended = started.ended()
      if (!hasEnded()) process.kill(-child.pid!, signal)
      return ended
    },
  }
  running.add(started)
  return started
}

export async function endAll(): Promise<void> {
  await Promise.all([...running].map(child => child.end()))
}
