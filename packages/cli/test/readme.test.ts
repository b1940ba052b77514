import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../../test-support/tools.ts'
import { run } from './support/run.ts'

test('the commands of the README', async () => {
  const page = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const [block = ''] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1]!)
  const lines = block.trim().split('\n')
  expect(lines.length).toBeGreaterThan(5)
  const folder = temporaryDirectory()
  try {
    for (const line of lines) {
      const { code, stderr } = await run(folder.directory, line.split(' ').slice(1))
      expect([line, code, stderr]).toEqual([line, 0, expect.any(String)])
    }
  } finally {
    folder.remove()
  }
})
