import { hash } from 'node:crypto'
import { base } from './lua/base.ts'

/** A Lua script. Redis runs one at a time and whole: that is the transaction. */
export interface Script {
  /** Sent when the server does not know it. */
  readonly source: string
  /** SHA-1 of the source, in hexadecimal: what the server knows it by. */
  readonly digest: string
}

/** Makes a script of the parts that it needs, in the order in which they build on each other, and its own body. */
export function defineScript(parts: readonly string[], body: string): Script {
  const source = [base, ...parts, body].join('\n')
  return { source, digest: hash('sha1', source, 'hex') }
}
