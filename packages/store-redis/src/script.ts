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

/** Says that nothing may be changed now: the fleet has moved, or is not whole yet. Sent as an error, so that no script need know of it. */
const guard = `
local standing = call('HGET', base .. 'm', 'state')
if standing then return redis.error_reply('FLEET' .. standing .. ' nothing is changed') end
`

const guardedScripts = new WeakMap<Script, Script>()

/** The same script, but it does nothing while the fleet has moved or is not whole. */
export function guarded(script: Script): Script {
  let known = guardedScripts.get(script)
  if (known === undefined) {
    const source = base + guard + script.source.slice(base.length)
    known = { source, digest: hash('sha1', source, 'hex') }
    guardedScripts.set(script, known)
  }
  return known
}
