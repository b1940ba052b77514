import { type DeviceCredential, type Fleet, fileKeyring, memoryKeyring, openFleet } from '@fleetcert/core'
import { backupFleet, createBackupIdentity, restoreFleet, writeBackup } from '@fleetcert/core/backup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { allRecords, encoded, publish, statuses, wholeFleet } from '../../../core/test/backup/whole-fleet.ts'
import { sqliteStore } from '../../src/index.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)
let recipients: readonly string[]
let identities: readonly string[]
beforeAll(async () => {
  const { recipient, identity } = await createBackupIdentity()
  recipients = [recipient]
  identities = [identity]
})

describe('a fleet on SQLite', () => {
  it('is restored as it was', async () => {
    const source = {
      store: sqliteStore({ file: folder.path('a.db') }),
      keyring: fileKeyring(folder.path('keys-a'), { passphrase: 'key' }),
    }
    const { fleet, credentials } = await wholeFleet(source.store, source.keyring)
    const from = folder.path('a.age')
    await writeBackup(from, backupFleet({ ...source, recipients }))
    const to = {
      store: sqliteStore({ file: folder.path('b.db') }),
      keyring: fileKeyring(folder.path('keys-b'), { passphrase: 'key' }),
    }
    await restoreFleet({ from, identities, ...to })
    const kinds = ['certificate', 'device', 'blockedKey', 'document', 'consumer'] as const
    expect(encoded(await allRecords(to.store), kinds)).toEqual(encoded(await allRecords(source.store), kinds))
    const restored = await openFleet({ ...to, publish, crl: { shards: 2, delta: true }, background: false })
    expect(await statuses(restored, credentials)).toEqual(await statuses(fleet, credentials))
    for (const shard of [0, 1]) {
      expect((await restored.crl({ shard })).crlNumber).toBeGreaterThan((await fleet.crl({ shard })).crlNumber)
    }
    await restored.renew('sensor-5', {})
    await restored.close()
    await fleet.close()
  })

  it('keeps its keys under their own passphrase, which the restore needs', async () => {
    const source = {
      store: sqliteStore({ file: folder.path('c.db') }),
      keyring: fileKeyring(folder.path('keys-c'), { passphrase: 'key' }),
    }
    const fleet = await openFleet({ ...source, background: false })
    const from = folder.path('c.age')
    await writeBackup(from, backupFleet({ ...source, recipients }))
    await fleet.close()
    for (const options of [{ passphrase: 'another' }, {}]) {
      const keys = folder.path('keys-d')
      const to = { store: sqliteStore({ file: folder.path('d.db') }), keyring: fileKeyring(keys, options) }
      await expect(restoreFleet({ from, identities, ...to })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
      expect(await to.keyring.list()).toEqual([])
      expect((await to.store.state()).state).toBe('empty')
      await to.store.close()
    }
  })
})

describe('a backup that is taken while the fleet is at work', () => {
  it('holds all that had resolved before, and its ledger and its certificates agree', async () => {
    const source = { store: sqliteStore({ file: folder.path('busy.db') }), keyring: memoryKeyring() }
    const fleet = await openFleet({ ...source, background: false })
    const before: DeviceCredential[] = []
    for (let index = 0; index < 40; index += 1) before.push(await fleet.enroll(`before-${index}`))
    for (let index = 0; index < 40; index += 4) await fleet.revoke(`before-${index}`)
    let isOver = false
    const workers = Array.from({ length: 4 }, (_, worker) => keepBusy(fleet, `busy-${worker}`, () => isOver))
    for (const round of [1, 2, 3]) {
      const from = folder.path(`busy-${round}.age`)
      await writeBackup(from, backupFleet({ ...source, recipients }))
      const to = { store: sqliteStore({ file: folder.path(`busy-${round}.db`) }), keyring: memoryKeyring() }
      await restoreFleet({ from, identities, ...to })
      await checkAgreement(to.store)
      const restored = await openFleet({ ...to, background: false })
      for (const [index, { fingerprint }] of before.entries()) {
        expect((await restored.identify({ fingerprint })).status).toBe(index % 4 === 0 ? 'revoked' : 'active')
      }
      await restored.close()
      before.push(await fleet.enroll(`between-${round}`, {}))
      const last = before.length - 1
      if (last % 4 === 0) await fleet.revoke(`between-${round}`)
    }
    isOver = true
    expect(Math.min(...(await Promise.all(workers)))).toBeGreaterThan(0)
    await fleet.close()
  })
})

/** Enrols, renews and revokes until it is over; how often. */
async function keepBusy(fleet: Fleet, name: string, isOver: () => boolean): Promise<number> {
  let count = 0
  for (; !isOver(); count += 1) {
    const id = `${name}-${count}`
    await fleet.enroll(id)
    await fleet.renew(id, {})
    if (count % 2 === 0) await fleet.revoke(id)
  }
  return count
}

/** Each certificate that was issued is in the ledger as issued, each that is revoked as revoked, and the other way round. */
async function checkAgreement(store: ReturnType<typeof sqliteStore>): Promise<void> {
  const rows = { issued: new Set<string>(), revoked: new Set<string>() }
  const ledger = { issued: new Set<string>(), revoked: new Set<string>() }
  for (const record of (await allRecords(store)).values()) {
    if (record.kind === 'certificate') {
      const { state, revocation, id } = record.record
      if (state === 'issued') rows.issued.add(id.serialNumber)
      if (revocation !== undefined) rows.revoked.add(id.serialNumber)
    } else if (record.kind === 'event' && record.event.certificate !== undefined) {
      const { type, certificate } = record.event
      if (type === 'issued' || type === 'renewed') ledger.issued.add(certificate.serialNumber)
      if (type === 'revoked') ledger.revoked.add(certificate.serialNumber)
    }
  }
  expect(rows.issued).toEqual(ledger.issued)
  expect(rows.revoked).toEqual(ledger.revoked)
}
