import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileKeyring, openFleet } from '@fleetcert/core'
import { backupFleet, createBackupIdentity, verifyBackup, writeBackup } from '@fleetcert/core/backup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { allRecords, encoded } from '../../../core/test/backup/whole-fleet.ts'
import { sqliteStore } from '../../src/index.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)
const isLong = process.env['FLEETCERT_LONG'] === '1'
const patience = { timeout: isLong ? 600_000 : 180_000 }

/** Lines of a child, which may be killed at any of them. */
async function runChild(
  script: string,
  args: readonly string[],
  killAt: (line: Record<string, unknown>) => boolean,
  fileLimit?: number,
): Promise<Record<string, unknown> | 'killed'> {
  const node = [
    process.execPath,
    '--conditions=fleetcert-source',
    '--no-warnings',
    join(import.meta.dirname, script),
    ...args,
  ]
  const [command, ...rest] = fileLimit === undefined ? node : ['prlimit', `--fsize=${fileLimit}`, ...node]
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let last: Record<string, unknown> = {}
  for await (const line of createInterface(child.stdout)) {
    last = JSON.parse(line)
    if (killAt(last)) {
      child.kill('SIGKILL')
      await exited
      return 'killed'
    }
  }
  await exited
  return last
}

describe('a process that dies', () => {
  const source = { file: folder.path('dying.db'), keys: folder.path('keys-dying'), backup: folder.path('dying.age') }
  const devices = isLong ? 5000 : 600
  let identities: readonly string[]
  let recipients: readonly string[]
  beforeAll(async () => {
    const pair = await createBackupIdentity()
    identities = [pair.identity]
    recipients = [pair.recipient]
    const store = sqliteStore({ file: source.file })
    const keyring = fileKeyring(source.keys)
    const fleet = await openFleet({ store, keyring, background: false })
    await Promise.all(Array.from({ length: devices }, (_, index) => fleet.enroll(`sensor-${index}`)))
    await writeBackup(source.backup, backupFleet({ store, keyring, recipients }))
    await fleet.close()
  }, patience.timeout)

  it('while it restores is followed by one that finishes', patience, async () => {
    const saved = await allRecordsOf(source.file)
    const target = { file: folder.path('killed.db'), keys: folder.path('keys-killed') }
    const args = [source.backup, target.file, target.keys, identities[0]!]
    const moments = isLong ? [1, 600, 2000, 5000, 5600, 8000, 12_000, 15_000] : [1, 1200]
    for (const records of moments) {
      expect(await runChild('restore-child.ts', args, line => Number(line['records']) >= records)).toBe('killed')
      const store = sqliteStore({ file: target.file })
      expect((await store.state()).state).not.toBe('open')
      const opening = openFleet({ store, keyring: fileKeyring(target.keys), background: false })
      await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PKI_STORE_(INCOMPLETE|LOST)$/) })
      await store.close()
    }
    expect(await runChild('restore-child.ts', args, () => false)).toMatchObject({ done: devices + 2 })
    const kinds = ['certificate', 'document'] as const
    expect(encoded(await allRecordsOf(target.file), kinds)).toEqual(encoded(saved, kinds))
    const fleet = await openFleet({
      store: sqliteStore({ file: target.file }),
      keyring: fileKeyring(target.keys),
      background: false,
    })
    await fleet.renew('sensor-7', {})
    await fleet.close()
  })

  it('while it writes a backup leaves no file of that name', patience, async () => {
    const home = folder.path('killed-backup')
    mkdirSync(home)
    const to = join(home, 'fleet.age')
    const args = [source.file, source.keys, to, recipients[0]!]
    expect(await runChild('backup-child.ts', args, line => Number(line['records']) >= 500)).toBe('killed')
    expect(existsSync(to)).toBe(false)
    for (const left of readdirSync(home)) {
      expect(left).toMatch(/^\.fleet\.age\.[0-9a-f]{8}\.partial$/)
      await expect(verifyBackup({ from: join(home, left), identities })).rejects.toMatchObject({
        code: 'ERR_PKI_BACKUP',
      })
    }
    expect(await runChild('backup-child.ts', args, () => false)).toMatchObject({ done: expect.any(Number) })
    expect((await verifyBackup({ from: to, identities })).records.certificate).toBe(devices + 2)
    await expect(writeBackup(to, backupFleet({ ...opened(), recipients }))).rejects.toMatchObject({
      code: 'ERR_PKI_BACKUP_UNWRITABLE',
      details: { reason: 'EEXIST' },
    })
  })

  const opened = (): { store: ReturnType<typeof sqliteStore>; keyring: ReturnType<typeof fileKeyring> } => ({
    store: sqliteStore({ file: source.file }),
    keyring: fileKeyring(source.keys),
  })

  describeWith(['prlimit'], 'a disk that is full', () => {
    it('while a backup is written: nothing is left', patience, async () => {
      const home = folder.path('full-backup')
      mkdirSync(home)
      const to = join(home, 'fleet.age')
      const answer = await runChild(
        'backup-child.ts',
        [source.file, source.keys, to, recipients[0]!],
        () => false,
        200_000,
      )
      expect(answer).toMatchObject({ code: 'ERR_PKI_BACKUP_UNWRITABLE', reason: 'EFBIG' })
      expect(readdirSync(home)).toEqual([])
    })

    it('while it restores: a coded error, and it is done again when there is room', patience, async () => {
      const target = { file: folder.path('full.db'), keys: folder.path('keys-full') }
      const args = [source.backup, target.file, target.keys, identities[0]!]
      const answer = await runChild('restore-child.ts', args, () => false, 400_000)
      expect(answer).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
      expect(await runChild('restore-child.ts', args, () => false)).toMatchObject({ done: devices + 2 })
    })
  })
})

async function allRecordsOf(file: string): ReturnType<typeof allRecords> {
  const store = sqliteStore({ file })
  try {
    return await allRecords(store)
  } finally {
    await store.close()
  }
}
