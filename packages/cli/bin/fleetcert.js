#!/usr/bin/env node
// The sources are beside this file in the repository only: there they are run as they stand, with Node's own type stripping.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Before anything is loaded that an older one does not have.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isTooOld = major < 22 || (major === 22 && minor < 13)
const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
if (isTooOld) {
  console.error(`fleetcert: Node.js 22.13 or newer is needed; this is ${process.versions.node}`)
  process.exitCode = 1
} else if (existsSync(source)) {
  const options = ['--disable-warning=ExperimentalWarning', '--conditions=fleetcert-source', source]
  const child = spawn(process.execPath, [...options, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends Ctrl-C and its own end to both, and a second one would end the other at once; SIGTERM comes here alone.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', status => {
    process.exitCode = status ?? 1
  })
} else {
  const { main } = await import('../dist/index.js')
  await main()
}
