import type { Writes } from './store-operations.ts'

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

export type WriteName = keyof Writes
export type WriteArguments<Name extends WriteName> = Tail<Parameters<Writes[Name]>>
export type WriteResult<Name extends WriteName> = ReturnType<Writes[Name]>

/** A write operation as data, which can be sent to a thread. */
export interface WriteCall {
  readonly name: WriteName
  readonly args: readonly unknown[]
  /** Buffers in `args` that nobody else has: they are handed over instead of copied. */
  readonly transfer?: readonly ArrayBuffer[]
}

/** How a call ended. After an `error` nothing of it was done. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown }
