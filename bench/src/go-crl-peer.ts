import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** CreateRevocationList of Go's crypto/x509; `undefined`, with a word on standard error, where there is no Go. */
export function goCrlTimes(
  count: number,
  rounds: number,
): { readonly version: string; readonly milliseconds: number[]; readonly octets: number } | undefined {
  const version = spawnSync('go', ['version'], { encoding: 'utf8' })
  if (version.error !== undefined) {
    process.stderr.write('go is not installed: its row is missing\n')
    return undefined
  }
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-go-'))
  try {
    const program = join(directory, 'crl')
    const build = spawnSync('go', ['build', '-o', program, 'crl.go'], {
      cwd: join(import.meta.dirname, '..', 'go'),
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
    })
    if (build.status !== 0) throw new Error(`go build: ${build.stderr}`)
    const run = spawnSync(program, [String(count), String(rounds)], { encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`the Go peer: ${run.stderr}`)
    const numbers = run.stdout.trim().split('\n').map(Number)
    return {
      version: version.stdout.trim().split(' ')[2] ?? 'go',
      milliseconds: numbers.slice(0, -1),
      octets: numbers.at(-1)!,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
