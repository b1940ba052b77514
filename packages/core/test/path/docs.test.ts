import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runReadme } from '../../../../test-support/readme.ts'

it('runs docs/verifying-chains.md', async () => {
  const page = fileURLToPath(new URL('../../../../docs/verifying-chains.md', import.meta.url))
  expect(await runReadme(page, fileURLToPath(import.meta.url))).toBe(2)
})
