import { realpathSync } from 'node:fs'
import { PinMemory } from './pin-memory.ts'
import type { ThreadCall, ThreadResults } from './thread/thread-messages.ts'
import type { ThreadClient } from './thread-client.ts'
import { Turns } from './turns.ts'

const leastRestartPause = 1_000
const mostRestartPause = 10_000
/** Longer than a token in order takes for anything but making a key. */
const drainMilliseconds = 10_000

/**
 * A PKCS #11 module of this process. It is there once, however many keyrings use it: it is initialised once, and its sessions and logins belong to the process.
 * So what is done to the module as a whole is done here.
 */
export class ModuleHost {
  readonly path: string
  readonly pins: PinMemory = new PinMemory()
  /** One login after the other: what the first one learns about a PIN, the next one knows. */
  readonly logins: Turns = new Turns()
  readonly #users = new Set<object>()
  #isOurs = false
  #initialized: Promise<void> | undefined
  #restarting: Promise<boolean> | undefined
  #nextRestart = 0
  #restartPause = leastRestartPause
  #underWay = 0
  #drained: (() => void) | undefined
  #epoch = 0

  private constructor(path: string) {
    this.path = path
  }

  /** The one of a module, by its file. */
  static of(module: string): ModuleHost {
    const path = fileOf(module)
    let host = hosts.get(path)
    if (host === undefined) {
      host = new ModuleHost(path)
      hosts.set(path, host)
    }
    return host
  }

  /** Sessions of an earlier epoch are gone. */
  get epoch(): number {
    return this.#epoch
  }

  /** @param user - who has sessions of the module from now on */
  async join(user: object, thread: ThreadClient): Promise<void> {
    while (this.#restarting !== undefined) await this.#restarting.catch(() => {})
    this.#users.add(user)
    this.#initialized ??= this.#initialize(thread)
    try {
      await this.#initialized
    } catch (error) {
      this.#initialized = undefined
      throw error
    }
  }

  /**
   * The user's sessions are closed. The last one to leave finalises the module, if it was initialised here.
   * @param thread - to do it in; none where a call is still inside the module
   */
  async leave(user: object, thread: ThreadClient | undefined): Promise<void> {
    this.#users.delete(user)
    if (this.#users.size > 0 || thread === undefined) return
    while (this.#restarting !== undefined) await this.#restarting.catch(() => {})
    if (this.#users.size > 0) return
    // Whoever comes meanwhile waits, and initialises it anew.
    this.#restarting = this.#finalize(thread)
    try {
      await this.#restarting
    } finally {
      this.#restarting = undefined
    }
  }

  /** Has a thread do something, but not while the module restarts. */
  async invoke<C extends ThreadCall>(thread: ThreadClient, call: C): Promise<ThreadResults[C['type']]> {
    while (this.#restarting !== undefined) await this.#restarting.catch(() => {})
    this.#underWay += 1
    try {
      return await thread.invoke(call)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#drained?.()
    }
  }

  /** A session works: the next trouble is a new one. */
  recovered(): void {
    this.#restartPause = leastRestartPause
  }

  /**
   * Finalises the module and initialises it anew, if it is ours, so that it looks for its tokens again; else it is initialised if nobody has done so. Not while a call is under way, and not often.
   *
   * @param epoch - what was seen to be broken; another restart since then is as good
   * @returns whether it is worth trying again
   */
  async restart(thread: ThreadClient, epoch: number): Promise<boolean> {
    if (this.#epoch !== epoch) return true
    if (this.#restarting !== undefined) return this.#restarting
    if (performance.now() < this.#nextRestart) return false
    this.#restarting = this.#restart(thread)
    try {
      return await this.#restarting
    } finally {
      this.#restarting = undefined
      this.#nextRestart = performance.now() + this.#restartPause
      this.#restartPause = Math.min(2 * this.#restartPause, mostRestartPause)
    }
  }

  async #restart(thread: ThreadClient): Promise<boolean> {
    if (!(await this.#drain())) return false
    this.#epoch += 1
    if (this.#isOurs) await thread.invoke({ type: 'finalize' })
    this.#initialized = this.#initialize(thread)
    await this.#initialized
    return true
  }

  async #finalize(thread: ThreadClient): Promise<boolean> {
    const isOurs = this.#isOurs
    this.#epoch += 1
    this.#isOurs = false
    this.#initialized = undefined
    if (isOurs) await thread.invoke({ type: 'finalize' })
    return true
  }

  async #initialize(thread: ThreadClient): Promise<void> {
    this.#isOurs = false
    this.#isOurs = await thread.invoke({ type: 'initialize' })
  }

  /** False if a call does not come back. */
  async #drain(): Promise<boolean> {
    if (this.#underWay === 0) return true
    let timer: NodeJS.Timeout | undefined
    const isDrained = await Promise.race([
      new Promise<true>(resolve => {
        this.#drained = () => resolve(true)
      }),
      new Promise<false>(resolve => {
        timer = setTimeout(() => resolve(false), drainMilliseconds)
      }),
    ])
    clearTimeout(timer)
    this.#drained = undefined
    return isDrained
  }
}

// Of the process, as what it stands for is.
const hosts = new Map<string, ModuleHost>()

/** What names no file here is looked for by the dynamic linker. */
function fileOf(module: string): string {
  try {
    return realpathSync(module)
  } catch {
    return module
  }
}
