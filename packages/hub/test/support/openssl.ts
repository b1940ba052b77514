import { execFileSync, spawnSync } from 'node:child_process'

/** Whether `openssl` is there. With FLEETCERT_REQUIRE_TOOLS=1 its absence is an error. */
export const hasOpenssl: boolean = (() => {
  const found = spawnSync('openssl', ['version']).status === 0
  if (!found && process.env['FLEETCERT_REQUIRE_TOOLS'] === '1') throw new Error('openssl is not on PATH')
  return found
})()

export function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
