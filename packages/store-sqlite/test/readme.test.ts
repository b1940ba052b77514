import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'

// Its files are made in the current folder.
const before = process.cwd()
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-readme-'))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

it('runs the README', async () => {
  const readme = fileURLToPath(new URL('../README.md', import.meta.url))
  expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(2)
})
