import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'

const isHere = spawnSync('openssl', ['version']).status === 0
const isRequired = process.env['FLEETCERT_REQUIRE_TOOLS'] === '1'

/** A suite that wants openssl on PATH: skipped visibly without it, failing when FLEETCERT_REQUIRE_TOOLS=1. */
export function describeOpenssl(name: string, suite: (scratch: Scratch) => void): void {
  const reason = isHere || isRequired ? '' : ' (skipped: no openssl on PATH)'
  describe.skipIf(!isHere && !isRequired)(`${name}${reason}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'fleetcert-x509-'))
    afterAll(() => rmSync(directory, { recursive: true, force: true }))
    suite({
      path: file => join(directory, file),
      openssl(args, input) {
        const result = spawnSync('openssl', args, { cwd: directory, input, encoding: 'buffer', timeout: 20_000 })
        if (result.error) throw result.error
        return { status: result.status, stdout: result.stdout, text: `${result.stdout}\n${result.stderr}` }
      },
    })
  })
}

export interface Scratch {
  /** A path in a folder that is deleted afterwards and is openssl's working directory. */
  path(file: string): string
  /** Runs openssl. `text` is stdout and stderr: several commands report failure there and exit with 0. */
  openssl(
    args: readonly string[],
    input?: string | Uint8Array,
  ): { readonly status: number | null; readonly stdout: Buffer; readonly text: string }
}
