import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { modulePath, type SoftHsm } from './softhsm.ts'

/** SoftHSM with faults to order: see faulty-module.c. */
export interface FaultyModule {
  readonly module: string
  /** From now on, calls of the function do as `what` says. */
  set(name: string, what: string): void
  clear(name: string): void
  /** How often the function was called. */
  calls(name: string): number
}

let compiled: string | undefined

/** Once for a process. */
function compile(): string {
  if (compiled !== undefined) return compiled
  const folder = temporaryDirectory()
  process.once('exit', () => folder.remove())
  const module = folder.path('faulty.so')
  const source = fileURLToPath(new URL('faulty-module.c', import.meta.url))
  const includes = join(dirname(createRequire(import.meta.url).resolve('pkcs11js/package.json')), 'includes')
  const flags = ['-shared', '-fPIC', `-I${includes}`, `-DSOFTHSM="${modulePath}"`]
  const { status, output } = runTool('cc', [...flags, '-o', module, source, '-ldl', '-lpthread'])
  if (status !== 0) throw new Error(output)
  compiled = module
  return module
}

export function makeFaultyModule(hsm: SoftHsm): FaultyModule {
  const module = compile()
  const faults = hsm.path('faults')
  mkdirSync(faults)
  process.env['FLEETCERT_FAULTS'] = faults
  return {
    module,
    set: (name, what) => writeFileSync(`${faults}/${name}`, what),
    clear: name => rmSync(`${faults}/${name}`, { force: true }),
    calls(name) {
      const calls = existsSync(`${faults}/calls`) ? readFileSync(`${faults}/calls`, 'utf8') : ''
      return calls.split('\n').filter(call => call === name).length
    },
  }
}
