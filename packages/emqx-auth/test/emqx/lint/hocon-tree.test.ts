import { readFileSync } from 'node:fs'
import { isPkiError } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { emqxConfig } from '../../../src/emqx/emqx-config.ts'
import type { HoconNode } from '../../../src/emqx/lint/hocon-node.ts'
import { readHocon } from '../../../src/emqx/lint/hocon-tree.ts'

/** Texts and what EMQX's own reader (github.com/emqx/hocon at 84d8a80, on Erlang/OTP 25) made of them. */
const readings = JSON.parse(
  readFileSync(new URL('../../fixtures/hocon-readings.json', import.meta.url), 'utf8'),
) as readonly { readonly text: string; readonly reading?: unknown }[]

const plain = (node: HoconNode): unknown => {
  if (node.type === 'object') return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]))
  if (node.type === 'array') return node.items.map(plain)
  return node.type === 'value' ? node.value : { unknown: true }
}

describe('readHocon', () => {
  it.each(readings.filter(({ reading }) => reading !== undefined))('reads $text as EMQX does', ({ text, reading }) => {
    expect(plain(readHocon(text).root)).toEqual(reading)
  })
  it.each(readings.filter(({ reading }) => reading === undefined))('refuses $text as EMQX does', ({ text }) => {
    expect(() => readHocon(text)).toThrow(expect.objectContaining({ code: 'ERR_PKI_BROKER_CONFIG' }))
  })

  it('does not follow variables and includes', () => {
    const { root, includes } = readHocon('include "other.conf"\na = ${?EMQX_A}\nb = "x"${c}')
    expect(plain(root)).toEqual({ a: { unknown: true }, b: { unknown: true } })
    expect(includes).toEqual([1])
    expect(() => readHocon('include 1')).toThrow('line 1: include without a file in quotes')
  })

  it('knows the lines', () => {
    const { root } = readHocon('# one\na {\n  b = """x\ny"""\n  c = [1,\n  2]\n}')
    const a = root.entries.get('a') as Extract<HoconNode, { type: 'object' }>
    expect([a.line, a.entries.get('b')!.line, a.entries.get('c')!.line]).toEqual([2, 3, 5])
    expect(() => readHocon('a = """x\ny"""\n!')).toThrow('line 3:')
  })

  it('has no prototype to write to', () => {
    const { root } = readHocon('"__proto__" { polluted = 1 }\nconstructor.prototype.polluted = 1')
    expect(root.entries.has('__proto__')).toBe(true)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['braces', '{'.repeat(100_000)],
    ['named braces', 'a{'.repeat(100_000)],
    ['brackets', `a=${'['.repeat(100_000)}`],
    ['a path', `${'a.'.repeat(100_000)}b=1`],
    ['paths within braces', `${'a.b.c.d.e{'.repeat(20)}`],
  ])('refuses depth: %s', (_, text) => {
    expect(() => readHocon(text)).toThrow(/nested too deep|neither a key/)
  })

  it.each([
    ['quotes', (n: number) => '"'.repeat(n)],
    ['escapes', (n: number) => `a = "${'\\"'.repeat(n)}`],
    ['units', (n: number) => `a = ${'1s'.repeat(n)}`],
    ['comments', (n: number) => '#\n'.repeat(n)],
    ['joined arrays', (n: number) => `a = ${'[1]'.repeat(n)}`],
    ['objects that meet', (n: number) => 'a{b=1}'.repeat(n)],
    ['lines of strings', (n: number) => 'a="""\n"""\n'.repeat(n)],
    ['indents', (n: number) => `a="""~\n${'  x\n'.repeat(n)}"""`],
    ['spaces', (n: number) => `a =${' '.repeat(n)}`],
    ['strings on one line', (n: number) => `a=[${'"x",'.repeat(n)}]`],
    ['long strings on one line', (n: number) => `a=[${'"""x""",'.repeat(n)}]`],
    ['commas', (n: number) => `a=[${'1,'.repeat(n)}]`],
  ])('takes steps in proportion: %s', (_, make) => {
    expect(steps(make(4000))).toBeLessThan(8.2 * steps(make(500)) + 1000)
  })
})

/** Characters looked at, but for those of regular expressions, none of which can match in two ways. */
function steps(text: string): number {
  let count = 0
  const counted = new Proxy<object>(Object(text) as object, {
    get(target, key) {
      if (key === 'charCodeAt')
        return (at: number) => {
          count++
          return text.charCodeAt(at)
        }
      if (key === 'indexOf') {
        return (what: string, from = 0) => {
          const found = text.indexOf(what, from)
          count += (found === -1 ? text.length : found) - from
          return found
        }
      }
      const value = Reflect.get(target, key, text) as unknown
      if (typeof key === 'string' && /^\d+$/.test(key)) count++
      return typeof value === 'function' ? (value as () => unknown).bind(text) : value
    },
  })
  try {
    readHocon(counted as never)
  } catch (error) {
    if (!isPkiError(error)) throw error
  }
  return count
}

it('reads what emqxConfig writes', () => {
  const text = emqxConfig({
    version: '5.8',
    authUrl: 'https://hub/v',
    authorizeUrl: 'https://hub/a',
    serverCaFile: 'C:\\certs\\',
    secretHeader: { name: 'x-secret', value: 'a "b" \\' },
    listener: { caFile: '/é', certFile: '/c"', keyFile: '\\"' },
  })
  expect(plain(readHocon(text).root)).toMatchObject({
    listeners: { ssl: { default: { ssl_options: { cacertfile: '/é', certfile: '/c"', keyfile: '\\"' } } } },
    authentication: [{ headers: { 'x-secret': 'a "b" \\' }, ssl: { cacertfile: 'C:\\certs\\' } }],
    authorization: { no_match: 'deny' },
  })
})
