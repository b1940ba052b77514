import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorsDoc } from '../../../../scripts/errors-doc.ts'

it('docs/errors.md is made from the table as it is now', () => {
  const path = new URL('../../../../docs/errors.md', import.meta.url)
  expect(readFileSync(path, 'utf8'), 'run `pnpm errors-doc`').toBe(errorsDoc())
})
