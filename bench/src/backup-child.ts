// A process of its own for `pnpm bench backup`, so that its memory is the backup's alone. Arguments: the fleet's folder, a folder for files, a recipient, how many rounds. stdout: JSON.
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileKeyring } from '@fleetcert/core'
import { backupFleet, writeBackup } from '@fleetcert/core/backup'
import { sqliteStore } from '@fleetcert/store-sqlite'

/** A backup, and a file of as many octets, one after the other. */
export interface BackupRound {
  readonly octets: number
  readonly milliseconds: number
  /** Processor time of the backup. */
  readonly cpuMilliseconds: number
  readonly diskMilliseconds: number
}

export interface BackupChildReport {
  readonly rounds: readonly BackupRound[]
  /** Of the process before the first. */
  readonly baseMebibytes: number
  readonly peakMebibytes: number
}

const mebibyte = 1024 * 1024

/** The most that this process has had. getrusage(2) would tell that of the process that started it, if that was more. */
function mebibytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024
}

/** The disk's sequential rate as a program has it: pieces of a mebibyte, and an fsync at the end, as `writeBackup` does. */
async function writePlain(path: string, octets: number): Promise<number> {
  const piece = randomBytes(mebibyte)
  const begin = performance.now()
  const file = await open(path, 'wx')
  for (let left = octets; left > 0; left -= piece.length) await file.write(piece, 0, Math.min(left, piece.length))
  await file.sync()
  await file.close()
  const milliseconds = performance.now() - begin
  rmSync(path)
  return milliseconds
}

async function main(folder: string, files: string, recipient: string, count: number): Promise<BackupChildReport> {
  const store = sqliteStore({ file: join(folder, 'fleet.db') })
  const keyring = fileKeyring(join(folder, 'keys'), { passphrase: 'bench' })
  await store.open()
  const baseMebibytes = mebibytes()
  const rounds: BackupRound[] = []
  for (let round = 0; round < count; round += 1) {
    const path = join(files, 'fleet.age')
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const { octets } = await writeBackup(path, backupFleet({ store, keyring, recipients: [recipient] }))
    const milliseconds = performance.now() - begin
    const { user, system } = process.cpuUsage(cpu)
    rmSync(path)
    const diskMilliseconds = await writePlain(path, octets)
    rounds.push({ octets, milliseconds, cpuMilliseconds: (user + system) / 1000, diskMilliseconds })
  }
  await store.close()
  return { rounds, baseMebibytes, peakMebibytes: mebibytes() }
}

const [folder, files, recipient, count] = process.argv.slice(2) as [string, string, string, string]
process.stdout.write(JSON.stringify(await main(folder, files, recipient, Number(count))))
