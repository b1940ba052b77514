import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// `pnpm test:long [filter…]`: every test file that has a long form, at its full length: it says so by reading FLEETCERT_LONG.
const root = join(import.meta.dirname, '..')
const filters = process.argv.slice(2)
const files = globSync('{packages,examples}/*/test/**/*.test.ts', { cwd: root })
  .filter(file => !file.includes('node_modules'))
  .filter(file => readFileSync(join(root, file), 'utf8').includes('FLEETCERT_LONG'))
  .filter(file => filters.length === 0 || filters.some(filter => file.includes(filter)))
  .sort()
if (files.length === 0) throw new Error('no test file has a long form of that name')

const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FLEETCERT_LONG: '1' },
})
process.exitCode = status ?? 1
