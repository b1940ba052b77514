import { isPkiError, memoryKeyring, memoryStore, openFleet, parseCrl, type Store } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import {
  backupFleet,
  createBackupIdentity,
  type RestoreOptions,
  restoreFleet,
  verifyBackup,
  writeBackup,
} from '../../src/backup/index.ts'
import type { Keyring } from '../../src/signer/signer.ts'
import type { StoreRecord, TransferStore } from '../../src/store/store-records.ts'
import { deviceKey } from '../fleet/device-side.ts'
import { allRecords, encoded, publish, statuses, type WholeFleet, wholeFleet } from './whole-fleet.ts'

const folder = temporaryDirectory()
const store = memoryStore()
const keyring = memoryKeyring()
const from = folder.path('fleet.age')
let whole: WholeFleet
let identity: string
let saved: ReadonlyMap<string, StoreRecord>
beforeAll(async () => {
  const pair = await createBackupIdentity()
  identity = pair.identity
  whole = await wholeFleet(store, keyring)
  await writeBackup(from, backupFleet({ store, keyring, recipients: [pair.recipient] }))
  saved = await allRecords(store)
})
afterAll(async () => {
  await whole.fleet.close()
  folder.remove()
})

interface Target {
  readonly store: Store & TransferStore
  readonly keyring: Keyring
}
const target = (): Target => ({ store: memoryStore(), keyring: memoryKeyring() })
const restore = (to: Target, options: Partial<RestoreOptions> = {}): ReturnType<typeof restoreFleet> =>
  restoreFleet({ from, identities: [identity], ...to, ...options })
const reopen = (to: Target, clock = (): Date => new Date()): ReturnType<typeof openFleet> =>
  openFleet({ ...to, publish, crl: { shards: 2, delta: true }, background: false, clock })

describe('a fleet that was restored', () => {
  it('has all records that were saved', async () => {
    const to = target()
    const { records } = await restore(to)
    const restored = await allRecords(to.store)
    const same = ['certificate', 'device', 'blockedKey', 'document', 'consumer'] as const
    expect(encoded(restored, same)).toEqual(encoded(saved, same))
    const ledger = encoded(saved, ['event'])
    const kept = encoded(restored, ['event'])
    expect(Object.fromEntries(Object.keys(ledger).map(key => [key, kept[key]]))).toEqual(ledger)
    expect(Object.keys(kept)).toHaveLength(Object.keys(ledger).length + 1)
    expect(records.certificate).toBe(Object.keys(encoded(saved, ['certificate'])).length)
    // A fleet of everything: no kind is empty.
    expect(Object.keys(records).sort()).toEqual([...new Set([...saved.values()].map(({ kind }) => kind))].sort())
    expect(Object.keys(records)).toHaveLength(12)
    expect((await to.store.state()).fleetId).toBe((await store.state()).fleetId)
  })

  it('knows every certificate as before, and goes on', async () => {
    const to = target()
    await restore(to)
    const fleet = await reopen(to)
    expect(await statuses(fleet, whole.credentials)).toEqual(await statuses(whole.fleet, whole.credentials))
    expect(fleet.trustAnchors).toBe(whole.fleet.trustAnchors)
    await fleet.renew('sensor-5', {})
    await fleet.revoke('sensor-6')
    await fleet.release({ fingerprint: whole.credentials.get('sensor-3')!.fingerprint })
    await fleet.enroll('new')
    await expect(fleet.enroll('sensor-7')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_EXISTS' })
    expect(await statuses(fleet, whole.credentials)).toMatchObject({ 'sensor-3': 'active', 'sensor-6': 'revoked' })
    await fleet.close()
  })

  it('publishes CRLs behind all that it may have published, and places in its ledger alike', async () => {
    const to = target()
    const later = new Date(Date.now() + 3600_000)
    await restore(to, { clock: () => later })
    const fleet = await reopen(to, () => later)
    for (const shard of [0, 1]) {
      const before = await whole.fleet.crl({ shard })
      const { crlNumber } = await fleet.crl({ shard })
      expect(crlNumber - before.crlNumber).toBeGreaterThan(BigInt(2 ** 20 + 4 * 3599))
    }
    const events = await Array.fromAsync(fleet.events({ follow: false }))
    const at = events.findIndex(({ type }) => type === 'restored')
    expect(events[at]!.sequence - events[at - 1]!.sequence).toBeGreaterThan(2 ** 20)
    expect(events[at]!.details).toMatchObject({ revocations: 0, unknownRevocations: 0 })
    // Fencing numbers, too: a process that outlived its store may hold a lease.
    const fences = [...(await allRecords(to.store)).values()].flatMap(record =>
      record.kind === 'lease' ? [record.fence] : [],
    )
    expect(fences.length).toBeGreaterThan(0)
    expect(Math.min(...fences)).toBeGreaterThan(2 ** 20)
    await fleet.close()
  })

  it('makes tokens void, unless it is told to keep them', async () => {
    const { tokens } = whole
    const strict = target()
    await restore(strict)
    await using fleet = await reopen(strict)
    await expect(fleet.enroll('later', { token: tokens.unspent, ...(await deviceKey()) })).rejects.toMatchObject({
      code: 'ERR_PKI_TOKEN_SPENT',
    })
    const keeping = target()
    await restore(keeping, { keepTokens: true })
    await using other = await reopen(keeping)
    await expect(other.enroll('by-token', { token: tokens.spent, ...(await deviceKey()) })).rejects.toMatchObject({
      code: 'ERR_PKI_TOKEN_SPENT',
    })
    expect((await other.enroll('later', { token: tokens.unspent, ...(await deviceKey()) })).deviceId).toBe('later')
  })

  it('is refused by openFleet until it is whole', async () => {
    const to = target()
    const receiving = new Promise<void>((_, reject) => {
      restore(to, {
        onProgress() {
          throw new Error('stop')
        },
      }).catch(reject)
    })
    await expect(receiving).rejects.toThrow('stop')
    expect(await to.store.state()).toMatchObject({ state: 'empty' })
    const stopping: Store & TransferStore = { ...to.store, changeState: () => Promise.reject(new Error('stop')) }
    await expect(restore({ ...to, store: stopping })).rejects.toThrow('stop')
    expect(await to.store.state()).toMatchObject({ state: 'receiving' })
    await expect(to.store.nextCrlNumber({ issuerKeyId: 'aa', shard: 0 })).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_INCOMPLETE',
    })
    // Other choices would make other records.
    await expect(restore(to, { keepTokens: true })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })
    const { keys } = await restore(to)
    expect(keys.map(({ status }) => status)).toEqual(['present', 'present'])
    await using fleet = await reopen(to)
    expect((await fleet.device('sensor-5'))?.status).toBe('active')
  })
})

describe('what was revoked after the backup', () => {
  it('stays revoked when the last CRLs are given', async () => {
    const source = target()
    const { fleet, credentials } = await wholeFleet(source.store, source.keyring)
    const path = folder.path('later.age')
    await writeBackup(path, backupFleet({ ...source, passphrase: 'open sesame' }))
    await fleet.revoke('sensor-5')
    await fleet.revoke('sensor-6', { reason: 'keyCompromise' })
    await fleet.revoke({ fingerprint: credentials.get('sensor-3')!.fingerprint }, { reason: 'cessationOfOperation' })
    const late = await fleet.enroll('late')
    await fleet.revoke('late')
    const crls = [await fleet.crl({ shard: 0 }), await fleet.crl({ shard: 1 })]

    const to = target()
    const options = { from: path, passphrase: 'open sesame', ...to }
    const result = await restoreFleet({ ...options, revocations: [crls[0]!.der, crls[1]!.pem] })
    expect(result.revocations).toEqual({ merged: 4, unknown: 1 })
    await using restored = await reopen(to)
    expect(await statuses(restored, credentials)).toEqual(await statuses(fleet, credentials))
    expect((await restored.identify({ fingerprint: late.fingerprint })).status).toBe('unknown')
    expect(await restored.identify(credentials.get('sensor-3')!)).toMatchObject({ reason: 'cessationOfOperation' })
    for (const shard of [0, 1]) {
      const now = await restored.crl({ shard })
      expect(now.crlNumber).toBeGreaterThan(crls[shard]!.crlNumber + BigInt(2 ** 20))
      expect(serials(now.der)).toEqual(serials(crls[shard]!.der))
    }
    const events = await Array.fromAsync(restored.events({ follow: false }))
    expect(events.find(({ type }) => type === 'restored')).toMatchObject({
      details: { revocations: 4, unknownRevocations: 1 },
    })
    expect(events.filter(({ details }) => details?.['by'] === 'crl')).toHaveLength(4)
    // Its key is blocked again.
    const spki = (await source.store.certificate({
      issuerKeyId: late.issuerKeyId,
      serialNumber: credentials.get('sensor-6')!.serialNumber,
    }))!
    const blocked = [...(await allRecords(to.store)).values()].flatMap(record =>
      record.kind === 'blockedKey' ? [Buffer.from(record.publicKeyHash).toString('hex')] : [],
    )
    expect(blocked).toContain(Buffer.from(spki.publicKeyHash).toString('hex'))
    await restored.close()
    await fleet.close()
  })

  it('is not read from what is no full CRL of this fleet', async () => {
    const source = target()
    const other = await wholeFleet(source.store, source.keyring)
    const foreign = (await other.fleet.crl()).der
    const delta = (await whole.fleet.crl({ delta: true })).der
    const changed = Buffer.from((await whole.fleet.crl()).der)
    changed[changed.length - 1]! ^= 1
    for (const crl of [foreign, delta, changed]) {
      const to = target()
      await expect(restore(to, { revocations: [crl] })).rejects.toMatchObject({ code: 'ERR_PKI_CRL' })
      expect(await to.store.state()).toMatchObject({ state: 'empty' })
      expect(await to.keyring.list()).toEqual([])
    }
    await other.fleet.close()
  })
})

describe('what is not restored to', () => {
  it('is a store with a fleet in it', async () => {
    const to = target()
    await using fleet = await openFleet({ ...to, background: false })
    const before = await allRecords(to.store)
    await expect(restore({ ...to, keyring: memoryKeyring() })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })
    expect(await allRecords(to.store)).toEqual(before)
    await fleet.enroll('still-works')
    await expect(restore({ store, keyring })).rejects.toMatchObject({ code: 'ERR_PKI_STORE_IN_USE' })
  })

  it('is a keyring with another key of the name: no key is put in, and nothing into the store', async () => {
    const to = target()
    const other = await to.keyring.create('ca', 'P-256')
    await expect(restore(to)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_EXISTS', details: { name: 'ca' } })
    expect(await to.keyring.list()).toEqual(['ca'])
    expect((await to.keyring.open('ca'))?.publicKey).toEqual(other.publicKey)
    expect(await to.store.state()).toMatchObject({ state: 'empty' })
  })

  it('is two keyrings where one fails: the other is as it was', async () => {
    const to = target()
    const root = memoryKeyring()
    const failing: Keyring = { ...memoryKeyring(), import: () => Promise.reject(new Error('full')) }
    await expect(restore({ ...to, keyring: { root, issuing: failing } as never })).rejects.toThrow('full')
    expect(await root.list()).toEqual([])
    expect(await to.store.state()).toMatchObject({ state: 'empty' })
  })
})

describe('a key that is not in the backup', () => {
  it('is found in the keyring, or told as missing', async () => {
    const { export: _, ...locked } = keyring
    const path = folder.path('locked.age')
    await writeBackup(path, backupFleet({ store, keyring: locked, passphrase: 'open sesame' }))
    const { keys } = await verifyBackup({ from: path, passphrase: async () => 'open sesame' })
    expect(keys).toEqual([
      { keyring: 'root', name: 'root', held: false },
      { keyring: 'issuing', name: 'ca', held: false },
    ])
    const away = target()
    const missing = await restoreFleet({ from: path, passphrase: 'open sesame', ...away })
    expect(missing.keys.map(({ status }) => status)).toEqual(['missing', 'missing'])
    await using fleet = await reopen(away)
    await expect(fleet.enroll('x')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
    // Its CRLs can be made by nobody: the last ones are served.
    expect((await fleet.crl({ shard: 1 })).crlNumber).toBe((await whole.fleet.crl({ shard: 1 })).crlNumber)
    const here = { ...target(), keyring }
    const present = await restoreFleet({ from: path, passphrase: 'open sesame', ...here })
    expect(present.keys.map(({ status }) => status)).toEqual(['present', 'present'])
  })
})

describe('verifyBackup', () => {
  it('tells what is in it', async () => {
    const { organization, createdAt, digest, keys } = await verifyBackup({
      from,
      identities: [identity],
      trustAnchors: whole.fleet.trustAnchors,
    })
    expect(organization).toBe('Acme')
    expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now())
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(keys).toEqual([
      { keyring: 'root', name: 'root', held: true },
      { keyring: 'issuing', name: 'ca', held: true },
    ])
  })

  it('refuses another fleet’s', async () => {
    const source = target()
    await using other = await openFleet({ ...source, background: false })
    await expect(
      verifyBackup({ from, identities: [identity], trustAnchors: other.trustAnchors }),
    ).rejects.toMatchObject({
      code: 'ERR_PKI_BACKUP',
      details: { reason: 'its root is none of those expected' },
    })
    await expect(verifyBackup({ from: folder.path('none'), identities: [identity] })).rejects.toMatchObject({
      code: 'ERR_PKI_BACKUP',
      details: { reason: 'ENOENT' },
    })
  })
})

describe('options', () => {
  it('are checked before anything is done', async () => {
    const to = target()
    const wrong: readonly object[] = [
      { identities: undefined },
      { passphrase: 'both' },
      { identities: [] },
      { from: 7 },
      { store: {} },
      { keyring: {} },
      { revocations: 'x' },
      { keepTokens: 1 },
      { revokations: [] },
    ]
    for (const options of wrong) await expect(restore(to, options), JSON.stringify(options)).rejects.toThrow(TypeError)
    const bad: readonly object[] = [
      {},
      { recipients: [], passphrase: undefined },
      { passphrase: '' },
      { passphrase: 'x', recipients: ['y'] },
      { passphrase: 'x', extra: 1 },
    ]
    for (const options of bad) expect(() => backupFleet({ store, keyring, ...options })).toThrow(TypeError)
  })

  it('a passphrase that nobody gives', async () => {
    const asked = restore(target(), {
      identities: undefined as never,
      passphrase: () => Promise.reject(new Error('away')),
    })
    await expect(asked).rejects.toMatchObject({ code: 'ERR_PKI_BACKUP_SECRET' })
  })
})

describe('a backup that cannot be made', () => {
  it('of a store without a fleet, or of a fleet whose issuing key is away', async () => {
    const drain = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const _ of pieces);
    }
    const passphrase = 'open sesame'
    await expect(drain(backupFleet({ ...target(), passphrase }))).rejects.toMatchObject({ code: 'ERR_PKI_BACKUP' })
    const away = backupFleet({ store, keyring: memoryKeyring(), passphrase })
    await expect(drain(away)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
    const controller = new AbortController()
    const aborted = backupFleet({
      store,
      keyring,
      passphrase,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    const error = await drain(aborted).catch(error => error)
    expect(isPkiError(error)).toBe(false)
    expect(error.name).toBe('AbortError')
  })
})

function serials(der: Uint8Array): readonly string[] {
  return parseCrl(der)
    .entries.map(({ serialNumber, reason = 'unspecified' }) => `${serialNumber} ${reason}`)
    .sort()
}
