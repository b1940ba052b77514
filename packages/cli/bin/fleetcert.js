#!/usr/bin/env node
// The sources are beside this file in the repository only: there they are run as they stand, with Node's own type stripping.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
if (existsSync(source)) {
  const options = ['--disable-warning=ExperimentalWarning', '--conditions=fleetcert-source', source]
  // The terminal sends Ctrl-C to both; this one waits for the other's end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  const { status, error } = spawnSync(process.execPath, [...options, ...process.argv.slice(2)], { stdio: 'inherit' })
  if (error !== undefined) throw error
  process.exitCode = status ?? 1
} else {
  const { main } = await import('../dist/index.js')
  await main()
}
