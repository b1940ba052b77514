import { describe, vi } from 'vitest'
import { hasPostgres } from './postgres-server.ts'

/** `describe` with real servers; skipped visibly where there are none. */
export function describeWithPostgres(name: string, body: () => void): void {
  // A server is made and started for most tests, which takes its time where the machine is busy.
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
  if (hasPostgres()) describe(name, body)
  else describe.skip(`${name} (skipped: no postgres)`, body)
}
