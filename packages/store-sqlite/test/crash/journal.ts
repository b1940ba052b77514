import { readFileSync, writeSync } from 'node:fs'
import { createObservations, type Observations } from '../../../core/test/crash/observations.ts'

/** The arrays of {@link Observations}: what a process sees, one line for each. */
const kinds = ['signing', 'signed', 'returned', 'operatorRenewals', 'revocations', 'crls', 'violations'] as const
type Kind = (typeof kinds)[number]

/** Writes a line at once: what was written before a SIGKILL is in the file. */
export function writeLine(descriptor: number, kind: string, value: unknown): void {
  writeSync(descriptor, `${JSON.stringify([kind, value], encode)}\n`)
}

/** Observations that write themselves down as they are made. */
export function journaledObservations(descriptor: number): Observations {
  const observations = createObservations()
  for (const kind of kinds) {
    const list: unknown[] = observations[kind]
    const push = list.push.bind(list)
    list.push = (...items) => {
      for (const item of items) writeLine(descriptor, kind, item)
      return push(...items)
    }
  }
  return observations
}

export interface Journal {
  /** Lines of other kinds, such as `opened`. */
  readonly marks: readonly string[]
  /** Whatever the process complained of. */
  readonly errors: readonly string[]
}

/** Adds to the observations what a dead process wrote down. A line that the death cut off tells nothing. */
export function readJournal(file: string, observations: Observations): Journal {
  const marks: string[] = []
  const errors: string[] = []
  const lines = readFileSync(file, 'utf8').split('\n')
  lines.pop()
  for (const line of lines) {
    const [kind, value] = JSON.parse(line, decode) as [string, unknown]
    if (kind === 'error') errors.push(String(value))
    else if (isKind(kind)) (observations[kind] as unknown[]).push(value)
    else marks.push(kind)
  }
  return { marks, errors }
}

function isKind(kind: string): kind is Kind {
  return kinds.includes(kind as Kind)
}

function encode(this: unknown, key: string, value: unknown): unknown {
  // Dates have become strings when they come here.
  const raw = (this as Record<string, unknown>)[key]
  if (raw instanceof Date) return { date: raw.getTime() }
  if (raw instanceof Uint8Array) return { base64: Buffer.from(raw).toString('base64') }
  if (typeof raw === 'bigint') return { bigint: raw.toString() }
  return value
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('date' in value) return new Date(Number(value.date))
  if ('base64' in value) return new Uint8Array(Buffer.from(String(value.base64), 'base64'))
  if ('bigint' in value) return BigInt(String(value.bigint))
  return value
}
