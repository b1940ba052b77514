import { Worker } from 'node:worker_threads'
import { decodeFailure } from './failure-message.ts'
import { nodeSqlite } from './open-database.ts'
import { withOwnOctets } from './own-octets.ts'
import { storeUnavailable } from './store-failure.ts'
import type { Answer, WriterData, WriterResponse } from './thread-messages.ts'
import type { Outcome, WriteCall } from './write-call.ts'
import { WriteQueue } from './write-queue.ts'

/** Beside this module, in the sources as in the bundle. */
const entry = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js'

const notStarted = 'the thread that writes cannot be started'

/** A thread with a connection of its own that does the writing, seen from the thread that asks for it. While it has nothing to do it does not keep the process alive. */
export class WriterClient {
  readonly #worker: Worker
  readonly #queue: WriteQueue
  readonly #opened = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  #isAlive = true
  #hasOpened = false
  #cause: unknown

  /** Starts the thread; rejects with the reason when that cannot open the file. */
  static async open(file: string): Promise<WriterClient> {
    nodeSqlite()
    const client = WriterClient.#start(file)
    await client.#opened.promise
    return client
  }

  static #start(file: string): WriterClient {
    try {
      return new WriterClient(file)
    } catch (error) {
      throw storeUnavailable(notStarted, error)
    }
  }

  private constructor(file: string) {
    const data: WriterData = { file }
    const worker = new Worker(new URL(entry, import.meta.url), {
      name: 'fleetcert-writer',
      workerData: data,
      // Not the options of the process: some, such as --input-type, do not fit a thread. That node:sqlite is experimental the calling thread says already.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#worker = worker
    this.#queue = new WriteQueue({
      // One that is being written, and one that is there when that is done.
      capacity: 2,
      execute: calls => this.#send(calls),
      setBusy: isBusy => (isBusy ? worker.ref() : worker.unref()),
    })
    worker.on('message', (response: WriterResponse) => this.#receive(response))
    // 'exit' follows.
    worker.on('error', error => {
      this.#cause = error
    })
    worker.on('messageerror', error => {
      this.#cause = error
      void worker.terminate()
    })
    worker.on('exit', () => this.#end())
  }

  /** Whether it takes calls. One that has ended stays so. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  async write(call: WriteCall, signal?: AbortSignal): Promise<unknown> {
    return this.#queue.write({ ...call, args: withOwnOctets(call.args) }, signal)
  }

  /** Resolves when all calls have their answers, the database is closed and the thread has ended. */
  async close(): Promise<void> {
    await this.#queue.drain()
    this.#worker.ref()
    this.#worker.postMessage('close')
    await this.#exited.promise
  }

  #send(calls: readonly WriteCall[]): void {
    const bare = calls.map(({ name, args }) => ({ name, args }))
    try {
      this.#worker.postMessage(
        bare,
        calls.flatMap(({ transfer = [] }) => transfer),
      )
    } catch {
      // A function among somebody's arguments, say: that call alone is refused.
      this.#worker.postMessage(bare.map(call => (canBeCloned(call) ? call : { name: undefined, args: [] })))
    }
  }

  #receive(response: WriterResponse): void {
    if ('answers' in response) {
      this.#queue.settle(response.batches, response.answers.map(toOutcome))
    } else if (response.opened) {
      this.#hasOpened = true
      this.#worker.unref()
      this.#opened.resolve()
    } else {
      this.#opened.reject(decodeFailure(response.failure))
    }
  }

  #end(): void {
    this.#isAlive = false
    const failure = storeUnavailable(this.#hasOpened ? 'the thread that writes has ended' : notStarted, this.#cause)
    this.#opened.reject(failure)
    this.#queue.fail(failure)
    this.#exited.resolve()
  }
}

function toOutcome(answer: Answer): Outcome {
  return 'failure' in answer ? { error: decodeFailure(answer.failure) } : answer
}

function canBeCloned(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
