import { createHash } from 'node:crypto'
import type { IdentityState } from './identity-state.ts'

const heading = /^fleetcert identity 1 ([0-9a-f]{64})\n/
const fields: Readonly<Record<string, Readonly<Record<string, 'string' | 'number'>>>> = {
  current: { certificate: 'string', privateKey: 'string', trustAnchors: 'string' },
  pending: {
    privateKey: 'string',
    csr: 'string',
    certificate: 'string',
    trustAnchors: 'string',
    failures: 'number',
  },
}
const optional = new Set(['pending.certificate', 'pending.trustAnchors', 'pending.failures'])

/** The text of a state file: a line with the SHA-256 of the rest, then JSON. */
export function encodeState(state: IdentityState): string {
  const json = `${JSON.stringify(state, undefined, 2)}\n`
  return `fleetcert identity 1 ${digest(json)}\n${json}`
}

/** The state of such a text; `undefined` for one that was cut off or damaged. */
export function decodeState(text: string): IdentityState | undefined {
  const [line, expected] = heading.exec(text) ?? []
  if (line === undefined) return undefined
  const json = text.slice(line.length)
  if (digest(json) !== expected) return undefined
  try {
    const state: unknown = JSON.parse(json)
    return isState(state) ? state : undefined
  } catch {
    return undefined
  }
}

function isState(state: unknown): state is IdentityState {
  if (typeof state !== 'object' || state === null) return false
  const { previous = [] } = state as { previous?: unknown }
  if (!Array.isArray(previous) || !previous.every(fingerprint => typeof fingerprint === 'string')) return false
  return Object.entries(fields).every(([slot, types]) => {
    const value = (state as Record<string, unknown>)[slot]
    if (value === undefined) return true
    if (typeof value !== 'object' || value === null) return false
    return Object.entries(types).every(([name, type]) => {
      const member = (value as Record<string, unknown>)[name]
      if (member === undefined) return optional.has(`${slot}.${name}`)
      return type === 'string' ? typeof member === 'string' : Number.isSafeInteger(member)
    })
  })
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
