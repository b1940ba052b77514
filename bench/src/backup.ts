import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBackupIdentity } from '@fleetcert/core/backup'
import { fillFleet } from './auth-fill.ts'
import type { BackupChildReport } from './backup-child.ts'
import { median } from './measure.ts'

/**
 * A backup of `rows` certificates on SQLite, beside a plain file of as many octets that is written and synced by the same process right after it. `folder` keeps the fleet for the next time.
 */
export async function benchBackup({
  rows = 1_000_000,
  rounds = 5,
  folder,
}: {
  rows?: number
  rounds?: number
  folder?: string
} = {}): Promise<string> {
  const files = mkdtempSync(join(tmpdir(), 'fleetcert-bench-'))
  const home = folder ?? join(files, 'fleet')
  try {
    await fillFleet(home, rows)
    const { recipient } = await createBackupIdentity()
    const { rounds: all, baseMebibytes, peakMebibytes } = runChild(home, files, recipient, rounds)
    const rate = (of: 'milliseconds' | 'cpuMilliseconds' | 'diskMilliseconds'): number =>
      medianOf(all.map(round => round.octets / 1e3 / round[of]))
    const ratios = all
      .map(({ milliseconds, diskMilliseconds }) => diskMilliseconds / milliseconds)
      .sort((a, b) => a - b)
    const [{ octets } = { octets: 0 }] = all
    return [
      '| what | MB/s (median) | seconds (median) |',
      '| --- | --- | --- |',
      `| backup | ${rate('milliseconds').toFixed(0)} | ${(medianOf(all.map(({ milliseconds }) => milliseconds)) / 1000).toFixed(1)} |`,
      `| backup, by its processor time | ${rate('cpuMilliseconds').toFixed(0)} | ${(medianOf(all.map(({ cpuMilliseconds }) => cpuMilliseconds)) / 1000).toFixed(1)} |`,
      `| a plain file, written and synced | ${rate('diskMilliseconds').toFixed(0)} | ${(medianOf(all.map(({ diskMilliseconds }) => diskMilliseconds)) / 1000).toFixed(1)} |`,
      '',
      `${rows.toLocaleString('en-US')} certificates, ${(octets / 1e6).toFixed(0)} MB. Backup ÷ plain file: median ${medianOf(ratios).toFixed(2)} (${ratios[0]!.toFixed(2)}–${ratios.at(-1)!.toFixed(2)}).`,
      `Peak RSS ${peakMebibytes.toFixed(0)} MiB (${baseMebibytes.toFixed(0)} before).`,
    ].join('\n')
  } finally {
    rmSync(files, { recursive: true, force: true })
  }
}

/** Compiled code is kept between runs: from sources, the compiler would be most of the memory that is seen. */
function runChild(home: string, files: string, recipient: string, rounds: number): BackupChildReport {
  const run = (count: number): BackupChildReport => {
    const child = spawnSync(
      process.execPath,
      [
        '--conditions=fleetcert-source',
        '--no-warnings',
        join(import.meta.dirname, 'backup-child.ts'),
        home,
        files,
        recipient,
        String(count),
      ],
      {
        encoding: 'utf8',
        maxBuffer: 1024 * 1024,
        env: { ...process.env, NODE_COMPILE_CACHE: join(files, 'compiled') },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    if (child.status !== 0) throw new Error(`the backup's process ended with ${child.status ?? child.signal}`)
    return JSON.parse(child.stdout)
  }
  run(0)
  return run(rounds)
}

function medianOf(values: readonly number[]): number {
  return median([...values].sort((a, b) => a - b))
}
