import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const directory = fileURLToPath(new URL('..', import.meta.url))
let bundle: string

// In the package, so that the bundle finds the packages that it imports.
beforeAll(() => {
  bundle = mkdtempSync(join(import.meta.dirname, '.tmp-packed-'))
  const tsup = join(directory, 'node_modules', '.bin', 'tsup')
  execFileSync(tsup, ['--no-dts', '--out-dir', bundle], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
})
afterAll(() => rmSync(bundle, { recursive: true }))

const body = `
  const store = sqliteStore({ file: process.argv[2] })
  const scope = { issuerKeyId: 'ab', shard: 0 }
  await Promise.all([store.nextCrlNumber(scope), store.nextCrlNumber(scope)])
  console.log(String(await store.nextCrlNumber(scope)))
  await store.close()
`

/** What a program prints that opens a store with the bundle. */
function run(name: string, program: string): string {
  const script = join(bundle, name)
  writeFileSync(script, program)
  const args = ['--conditions=fleetcert-source', '--no-warnings', script, join(bundle, `${name}.db`)]
  return execFileSync(process.execPath, args, { encoding: 'utf8' })
}

describe('the bundle', () => {
  it('has the thread beside the index, and needs no other package for it', () => {
    const imports = (file: string): string[] => {
      const code = readFileSync(join(bundle, file), 'utf8')
      const names = [...code.matchAll(/^\s*(?:import\s(?:[^'"]*\sfrom\s)?|\} from\s)['"]([^'"]+)['"]/gm)].map(
        match => match[1]!,
      )
      return names.flatMap(name => (name.startsWith('./') ? imports(name) : [name]))
    }
    expect(imports('index.js')).toContain('@fleetcert/core')
    const needed = imports('writer-thread.js')
    expect(needed).toContain('node:worker_threads')
    expect(needed.filter(name => !isBuiltin(name))).toEqual([])
  })

  it('opens a store when it is imported', () => {
    expect(run('import.mjs', `import { sqliteStore } from './index.js'\n${body}`).trim()).toBe('3')
  })

  it('opens a store when it is required', () => {
    const program = `const { sqliteStore } = require('./index.js')\nvoid (async () => {${body}})()`
    expect(run('require.cjs', program).trim()).toBe('3')
  })
})
