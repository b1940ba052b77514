import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runReadme } from '../../../../test-support/readme.ts'

it.each([
  ['backup.md', 2],
  ['ceremony.md', 1],
])('what docs/%s shows runs', { timeout: 180_000 }, async (name, blocks) => {
  const path = fileURLToPath(new URL(`../../../../docs/${name}`, import.meta.url))
  expect(await runReadme(path, fileURLToPath(import.meta.url))).toBe(blocks)
})
