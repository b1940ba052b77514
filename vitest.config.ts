import { availableParallelism } from 'node:os'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  // Tests import the packages by name and get their sources: no build step stands between an edit and its test.
  resolve: { conditions: ['fleetcert-source'] },
  ssr: { resolve: { conditions: ['fleetcert-source'], externalConditions: ['fleetcert-source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
    // As many as there are cores, where vitest would leave one free: many tests wait, for a broker's clock or a process to end.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config
