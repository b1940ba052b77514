import { Worker } from 'node:worker_threads'
import { packJobs, type VerificationJob, type VerificationResponse } from './verification-message.ts'

/** Beside this module, in the sources as in the bundle. */
const entry = import.meta.url.endsWith('.ts') ? './verification-thread.ts' : './verification-thread.js'

/** Sent at once; fewer wait for the end of the event loop's turn. */
const jobsPerMessage = 16
/** A thread that nobody needed for so long is ended. */
const idleMilliseconds = 10_000

/** `undefined`: the thread has ended before it could say. */
type Verdict = boolean | undefined

export interface VerificationWorkerListener {
  /** It takes jobs from now on. */
  onReady(): void
  /** It takes none any more. */
  onEnd(): void
}

/** A thread that verifies signatures, seen from the thread that asks. While it has nothing to do it does not keep the process alive. */
export class VerificationWorker {
  readonly #worker: Worker
  readonly #listener: VerificationWorkerListener
  /** Not sent yet. */
  #jobs: VerificationJob[] = []
  #waiting: ((verdict: Verdict) => void)[] = []
  /** Who waits for the batches that were sent, in the order in which they are answered. */
  readonly #sent: ((verdict: Verdict) => void)[][] = []
  readonly #kept = new Map<Uint8Array, number>()
  #idle: NodeJS.Timeout | undefined
  #isScheduled = false
  #isReady = false
  #hasEnded = false
  #backlog = 0

  /** @throws whatever `new Worker` throws, where threads are not allowed. */
  constructor(listener: VerificationWorkerListener) {
    this.#listener = listener
    this.#worker = new Worker(new URL(entry, import.meta.url), {
      name: 'fleetcert-verifier',
      // Not the options of the process: some, such as --input-type, do not fit a thread.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#worker.on('message', (response: VerificationResponse) => this.#receive(response))
    this.#worker.on('messageerror', () => void this.end())
    // 'exit' follows.
    this.#worker.on('error', () => {})
    this.#worker.on('exit', () => this.#ended())
    // Listening holds the process: given up here, and taken back for as long as there is work.
    this.#worker.unref()
  }

  /** Whether it takes jobs now. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Jobs without an answer. */
  get backlog(): number {
    return this.#backlog
  }

  /** Has the thread keep a key: its number for jobs. The same octet array is kept once. */
  keep(spki: Uint8Array): number {
    let number = this.#kept.get(spki)
    if (number === undefined) {
      number = this.#kept.size
      this.#kept.set(spki, number)
      this.#worker.postMessage({ keep: spki })
    }
    return number
  }

  /** Whether the signature is the key's; `undefined` when the thread has ended. The octets must stay as they are until then. */
  verify(job: VerificationJob): Promise<Verdict> {
    if (this.#hasEnded) return Promise.resolve(undefined)
    if (this.#backlog === 0) this.#worker.ref()
    this.#backlog += 1
    this.#jobs.push(job)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.#send()
      })
    }
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === jobsPerMessage) this.#send()
    })
  }

  /** What has no answer yet gets `undefined`. */
  async end(): Promise<void> {
    this.#isReady = false
    clearTimeout(this.#idle)
    // Or the process may end first, with somebody waiting.
    this.#worker.ref()
    await this.#worker.terminate()
  }

  #send(): void {
    if (this.#jobs.length === 0 || this.#hasEnded) return
    const batch = packJobs(this.#jobs)
    this.#sent.push(this.#waiting)
    this.#jobs = []
    this.#waiting = []
    this.#worker.postMessage(batch, [batch.buffer])
  }

  #receive(response: VerificationResponse): void {
    if (response === 'ready') {
      this.#isReady = true
      if (this.#backlog === 0) this.#worker.unref()
      this.#listener.onReady()
      this.#restAWhile()
      return
    }
    const waiting = this.#sent.shift() ?? []
    this.#backlog -= waiting.length
    if (this.#backlog === 0) {
      this.#worker.unref()
      this.#restAWhile()
    }
    for (let index = 0; index < waiting.length; index++) waiting[index]!(response[index] === 1)
  }

  #restAWhile(): void {
    if (this.#idle === undefined) {
      this.#idle = setTimeout(() => this.#backlog === 0 && void this.end(), idleMilliseconds).unref()
    } else {
      this.#idle.refresh()
    }
  }

  #ended(): void {
    this.#hasEnded = true
    this.#isReady = false
    clearTimeout(this.#idle)
    this.#listener.onEnd()
    for (const resolve of [...this.#sent.flat(), ...this.#waiting]) resolve(undefined)
    this.#sent.length = 0
    this.#waiting = []
    this.#jobs = []
  }
}
