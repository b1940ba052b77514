import { Worker } from 'node:worker_threads'
import type { ThreadAnswer, ThreadCall, ThreadData, ThreadResults } from './thread/thread-messages.ts'
import { TokenFailure } from './token-failure.ts'

/** In the sources beside this module's folder, in the bundle beside it. */
const entry = import.meta.url.endsWith('.ts') ? './thread/session-thread.ts' : './session-thread.js'

type Waiting = PromiseWithResolvers<unknown>

/** The thread of one session, seen from the thread that asks. While it has nothing to do it does not keep the process alive. */
export class ThreadClient {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #hasEnded = false

  constructor(module: string) {
    const data: ThreadData = { module }
    this.#worker = new Worker(new URL(entry, import.meta.url), {
      name: 'fleetcert-pkcs11',
      workerData: data,
      // Not the options of the process: some, such as --input-type, do not fit a thread.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // It holds next to nothing, and there are several.
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    })
    this.#worker.on('message', (answer: ThreadAnswer) => this.#receive(answer))
    // 'exit' follows.
    this.#worker.on('error', () => {})
    this.#worker.on('messageerror', () => void this.end())
    this.#worker.on('exit', () => this.#ended())
    this.#worker.unref()
  }

  /** Whether it takes calls. One that has ended stays so. */
  get isAlive(): boolean {
    return !this.#hasEnded
  }

  /** Calls without an answer. */
  get pending(): number {
    return this.#waiting.length
  }

  /** Rejects {@link TokenFailure}; of the kind `session` if the thread has ended. */
  invoke<C extends ThreadCall>(call: C): Promise<ThreadResults[C['type']]> {
    if (this.#hasEnded) return Promise.reject(endedFailure())
    if (this.#waiting.length === 0) this.#worker.ref()
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.push(waiting)
    this.#worker.postMessage(call)
    return waiting.promise as Promise<ThreadResults[C['type']]>
  }

  /** Ends the thread when it has answered what was asked; one that is inside the module cannot be ended, and is left behind. */
  async end(): Promise<void> {
    const terminated = this.#worker.terminate()
    if (this.#waiting.length === 0) await terminated
    else this.#worker.unref()
  }

  #receive(answer: ThreadAnswer): void {
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0) this.#worker.unref()
    if ('failure' in answer) waiting?.reject(new TokenFailure(answer.failure))
    else waiting?.resolve(answer.result)
  }

  #ended(): void {
    this.#hasEnded = true
    for (const { reject } of this.#waiting.splice(0)) reject(endedFailure())
  }
}

function endedFailure(): TokenFailure {
  return new TokenFailure({ kind: 'session', reason: 'the thread of the session has ended' })
}
