import type { QueryName, ReadArguments, ReadName, ReadResult } from './store-reader.ts'
import type { WriteCall } from './write-call.ts'

/** An open store: reading on the thread that calls, writing wherever that is done. */
export interface OpenStore {
  read<Name extends ReadName>(name: Name, ...args: ReadArguments<Name>): ReadResult<Name>
  /** The same, together with others that are asked for in this turn of the event loop. */
  readSoon<Name extends QueryName>(name: Name, ...args: ReadArguments<Name>): Promise<ReadResult<Name>>
  isReadyToWrite(): boolean
  /** Resolves when it is ready to write, after starting the thread again that had ended. */
  readyToWrite(): Promise<void>
  /** Resolves with the result once it is durable, and whatever is read from then on shows it. */
  write(call: WriteCall, signal?: AbortSignal): Promise<unknown>
  /** After all calls have their answers. */
  close(): Promise<void>
}
