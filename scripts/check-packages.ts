import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Looks at every package as npm would deliver it: packs it, lets publint and attw judge the tarball, then imports and – ESM only, but without top-level await – requires each of its entries
 * from a folder that holds nothing but the unpacked packages and their dependencies.
 */
const root = join(import.meta.dirname, '..')
const scratch = mkdtempSync(join(tmpdir(), 'fleetcert-pack-'))
const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

try {
  const modules = join(scratch, 'node_modules')
  const packages = readdirSync(join(root, 'packages'))
  const entries: string[] = []
  for (const folder of packages) {
    const directory = join(root, 'packages', folder)
    const manifest: Manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    const [{ filename }] = JSON.parse(
      `[${run('npx', ['--yes', 'pnpm@12', 'pack', '--json', '--pack-destination', scratch], directory)}]`,
    )
    run(bin('publint'), ['run', '--strict', filename], root)
    // ESM only is a decision (Node 22.12 and later `require` it), so the CommonJS resolution of older Nodes is not judged.
    run(bin('attw'), [filename, '--profile', 'esm-only', '--format', 'ascii'], root)
    const target = join(modules, manifest.name)
    mkdirSync(target, { recursive: true })
    run('tar', ['-xzf', filename, '--strip-components=1', '-C', target], root)
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (packages.some(name => dependency === `@fleetcert/${name}`)) continue
      mkdirSync(join(modules, dependency, '..'), { recursive: true })
      symlinkSync(join(directory, 'node_modules', dependency), join(modules, dependency))
    }
    for (const entry of Object.keys(manifest.exports)) {
      if (entry !== './package.json') entries.push(join(manifest.name, entry))
    }
  }
  const use = (load: string) =>
    `for (const name of ${JSON.stringify(entries)}) { const names = Object.keys(${load}); if (names.length === 0) throw new Error(name + ' exports nothing') }`
  writeFileSync(join(scratch, 'import.mjs'), use('await import(name)'))
  writeFileSync(join(scratch, 'require.cjs'), use('require(name)'))
  run(process.execPath, ['import.mjs'], scratch)
  run(process.execPath, ['require.cjs'], scratch)
  process.stdout.write(
    `${packages.length} packages packed and judged; ${entries.length} entries imported and required\n`,
  )
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
