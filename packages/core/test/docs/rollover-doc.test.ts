import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runReadme } from '../../../../test-support/readme.ts'

it('what docs/rollover.md shows runs', async () => {
  const path = fileURLToPath(new URL('../../../../docs/rollover.md', import.meta.url))
  expect(await runReadme(path, fileURLToPath(import.meta.url))).toBe(4)
})
