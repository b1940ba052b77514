import type { FailureMessage } from './failure-message.ts'
import type { WriteCall } from './write-call.ts'

/** What the writer's thread is started with. */
export interface WriterData {
  /** Absolute. */
  readonly file: string
}

/** To the writer's thread: a batch of calls, or the end. */
export type WriterRequest = readonly WriteCall[] | 'close'

/** From it: first whether it could open the file, then an answer for each transaction. */
export type WriterResponse =
  | { readonly opened: true }
  | { readonly opened: false; readonly failure: FailureMessage }
  | {
      /** How many batches the transaction was made of. */
      readonly batches: number
      readonly answers: readonly Answer[]
    }

export type Answer = { readonly result: unknown } | { readonly failure: FailureMessage }
