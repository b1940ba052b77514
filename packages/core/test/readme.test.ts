import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'

it('runs the README', async () => {
  const readme = fileURLToPath(new URL('../README.md', import.meta.url))
  expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBeGreaterThan(0)
})
