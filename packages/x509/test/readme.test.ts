import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(match => match[1]!)
/** What each block prints, in order. */
const expected: readonly (readonly RegExp[])[] = [
  [/^-----BEGIN CERTIFICATE REQUEST-----\n/, /device-1/],
  [/"offset":0,"reason":"indefinite length"/],
  [/^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/],
]

describe('the README', () => {
  afterEach(() => vi.restoreAllMocks())

  it('has working code by line 20 and at most 150 lines', () => {
    const lines = readme.split('\n')
    expect(lines.indexOf('```ts')).toBeLessThan(20)
    expect(lines.length).toBeLessThanOrEqual(150)
    expect(blocks.length).toBe(expected.length)
  })

  it.each(blocks.map((block, index) => [index + 1, block] as const))('code block %i runs', async (number, block) => {
    const file = join(import.meta.dirname, `.readme-${number}.test-tmp.ts`)
    const printed: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...values) => {
      printed.push(values.map(value => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '))
    })
    writeFileSync(file, block)
    try {
      await import(file)
    } finally {
      rmSync(file)
    }
    const patterns = expected[number - 1]!
    expect(printed.length).toBe(patterns.length)
    for (const [index, pattern] of patterns.entries()) expect(printed[index]).toMatch(pattern)
  })
})
