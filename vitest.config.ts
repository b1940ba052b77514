import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  // Tests import the packages by name and get their sources: no build step stands between an edit and its test.
  resolve: { conditions: ['fleetcert-source'] },
  ssr: { resolve: { conditions: ['fleetcert-source'], externalConditions: ['fleetcert-source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // vitest leaves one core to itself; most tests wait for servers and keys.
    maxWorkers: 2,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config
