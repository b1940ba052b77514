import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './measure.ts'

/** How long `import '@fleetcert/core'` takes in a process of its own, from the built package, and which foreign packages it loads. */
export async function benchImport({ rounds = 15 }: { rounds?: number } = {}): Promise<string> {
  const core = join(import.meta.dirname, '..', '..', 'packages', 'core')
  if (!existsSync(join(core, 'dist', 'index.js'))) throw new Error('build first: pnpm build')
  const code = `const t = performance.now(); await import('@fleetcert/core'); console.log(performance.now() - t)`
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(run.stderr)
    times.push(Number(run.stdout))
  }
  const sorted = times.toSorted((a, b) => a - b)
  const trace = `const { registerHooks } = await import('node:module'); const urls = []; registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } }); await import('@fleetcert/core'); console.log(JSON.stringify(urls.filter(url => url.includes('node_modules') && !url.includes('@fleetcert'))))`
  const loaded = spawnSync(process.execPath, ['--input-type=module', '-e', trace], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
  })
  return `import '@fleetcert/core': ${median(sorted).toFixed(1)} ms (${sorted[0]!.toFixed(1)}–${sorted.at(-1)!.toFixed(1)}); foreign modules loaded: ${loaded.stdout.trim() || loaded.stderr}`
}
