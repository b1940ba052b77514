import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { decodePem, fileKeyring, openFleet, verifyPath } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'

let folder: string
let child: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** Runs the child until so many steps are done, and a little longer, then kills it. */
async function rollOverUntil(steps: number, milliseconds: number): Promise<void> {
  const path = join(import.meta.dirname, 'children', 'roll-over-until-killed.ts')
  const args = ['--conditions=fleetcert-source', '--no-warnings', path, join(folder, 'fleet.db'), join(folder, 'keys')]
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const running = child
  let lines = 0
  for await (const _ of createInterface({ input: running.stdout! })) {
    lines += 1
    if (lines === steps + 1) setTimeout(() => running.kill('SIGKILL'), milliseconds)
  }
  expect(lines).toBeGreaterThan(steps)
}

it('a rollover that was killed at any moment is finished by the next process', async () => {
  const file = join(folder, 'fleet.db')
  const last: { deviceId: string; fingerprint: string }[] = []
  for (let round = 0; round < 3; round += 1) {
    await rollOverUntil(round, 7 * round)
    // As if a minute had passed: until then the dead process has its leases.
    const database = new DatabaseSync(file)
    database.exec('UPDATE leases SET until = 0')
    database.close()
    const fleet = await openFleet({
      store: sqliteStore({ file }),
      keyring: fileKeyring(join(folder, 'keys')),
      background: false,
    })
    try {
      const phase = (await fleet.rolloverStatus())?.phase
      if (phase === 'announcing' || phase === 'retired' || phase === undefined) {
        await fleet.rollover('announce', { root: true })
      }
      if (phase !== 'issuing') await fleet.rollover('issue')
      const issuers = await Array.fromAsync(fleet.issuers())
      const active = issuers.filter(({ state }) => state === 'active').map(({ role }) => role)
      expect(active.sort()).toEqual(['issuingCa', 'root'])
      expect(issuers.filter(({ state }) => state === 'announced')).toEqual([])
      const credential = await fleet.enroll(`sensor-${round}`)
      await verifyPath({
        certificate: credential.certificate,
        chain: credential.chain,
        trustAnchors: decodePem(fleet.trustAnchors).map(({ der }) => der),
        at: new Date(),
        purpose: 'clientAuth',
        revocation: 'off',
      })
      // Of every key there is a CA, and of every CA that issues the key.
      expect(new Set(issuers.map(({ issuerKeyId }) => issuerKeyId)).size).toBe(issuers.length)
      last.push(credential)
      const { status } = await fleet.identify({ fingerprint: credential.fingerprint })
      expect(status).toBe('active')
      await fleet.rollover('retire', { force: true })
      expect((await fleet.identify({ fingerprint: credential.fingerprint })).status).toBe('active')
    } finally {
      await fleet.close()
    }
  }
  expect(last).toHaveLength(3)
}, 120_000)
