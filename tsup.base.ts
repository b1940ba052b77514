import { readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'

/** One build for every package: ESM with declarations, one bundle per entry of its exports map. Reads the package of the current directory. */
export function packageConfig(overrides: Options = {}): ReturnType<typeof defineConfig> {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
  const sources = Object.values<Record<string, string> | string>(manifest.exports).flatMap(entry =>
    typeof entry === 'string' ? [] : [entry['fleetcert-source']!],
  )
  return defineConfig({
    entry: Object.fromEntries(sources.map(source => [source.replace('./src/', '').replace(/\.ts$/, ''), source])),
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    dts: true,
    clean: true,
    splitting: true,
    sourcemap: true,
    treeshake: true,
    removeNodeProtocol: false,
    ...overrides,
  })
}
