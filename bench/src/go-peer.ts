import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A peer in Go's crypto/x509, built once; `undefined`, with a word on standard error, where there is no Go. */
export interface GoPeer {
  readonly version: string
  /** Rates per second, one for each round. */
  rates(csrs: readonly Uint8Array[], rounds: number, workers: number, pinned: boolean): number[]
  remove(): void
}

export function buildGoPeer(): GoPeer | undefined {
  const version = spawnSync('go', ['version'], { encoding: 'utf8' })
  if (version.error !== undefined) {
    process.stderr.write('go is not installed: its rows are missing\n')
    return undefined
  }
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-bench-go-'))
  const program = join(directory, 'issue')
  const source = join(import.meta.dirname, '..', 'go')
  const build = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    encoding: 'utf8',
    env: { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
  })
  if (build.status !== 0) throw new Error(`go build: ${build.stderr}`)
  return {
    version: version.stdout.trim().split(' ')[2] ?? 'go',
    rates(csrs, rounds, workers, pinned) {
      const input = Buffer.concat(
        csrs.flatMap(csr => {
          const length = Buffer.alloc(4)
          length.writeUInt32BE(csr.length)
          return [length, csr]
        }),
      )
      const command = [program, String(rounds), String(workers)]
      const [file, ...args] = pinned ? ['taskset', '-c', '0', ...command] : command
      const run = spawnSync(file!, args, { input, encoding: 'utf8', maxBuffer: 1 << 20 })
      if (run.status !== 0) throw new Error(`the Go peer: ${run.stderr}`)
      return run.stdout.trim().split('\n').map(Number)
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
