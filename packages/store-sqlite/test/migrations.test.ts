import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { encodeRevokedEntries, type RevokedEntry, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { reservation } from '../../../test-support/reservation.ts'
import { migrations } from '../src/migrations.ts'

let database: DatabaseSync
beforeEach(() => {
  database = new DatabaseSync(':memory:')
})
afterEach(() => database.close())

/** A database as an earlier version of this package made it. */
function oldDatabase(version: number): void {
  for (const step of migrations.slice(0, version)) database.exec(step)
  database.exec(`PRAGMA application_id = ${0x66_6c_63_72}; PRAGMA user_version = ${version}`)
}

const issuerKeyId = 'ab'.repeat(32)
const scope = { issuerKeyId, shard: 0 }

async function revokedIn(store: Store): Promise<readonly RevokedEntry[]> {
  return (await store.revoked(scope, { limit: 1000 })).items
}

it.each([1, 2])('brings the CRLs of version %i along, and makes their entries of what is revoked', async version => {
  oldDatabase(version)
  const insert = database.prepare(
    `INSERT INTO certificates (issuer_key_id, serial_number, state, role, profile, public_key_hash, not_before, not_after, shard,
       created_at, der, fingerprint, revocation_order, revocation_date, reason, invalidity_date)
     VALUES (?, ?, 'issued', 'device', 'device', ?, 0, 4e12, ?, 0, ?, ?, ?, ?, ?, ?)`,
  )
  const issuer = Buffer.from(issuerKeyId, 'hex')
  const rows: readonly [order: number | null, date: number | null, reason: string | null, since: number | null][] = [
    [1, Date.UTC(2026, 0, 1), 'keyCompromise', Date.UTC(2025, 0, 1)],
    [2, null, null, null],
    [3, Date.UTC(2055, 0, 1), 'unspecified', null],
    [null, null, null, null],
  ]
  for (const [order, date, reason, since] of rows) {
    insert.run(issuer, randomBytes(16), randomBytes(32), 0, randomBytes(9), randomBytes(32), order, date, reason, since)
  }
  const parts = [randomBytes(1000), randomBytes(10)]
  database
    .prepare(
      'INSERT INTO crls (crl, issuer_key_id, shard, last_number, crl_number, this_update, next_update) VALUES (7, ?, 0, 9, 8, 1000, 2000)',
    )
    .run(issuer)
  // Numbers were given out in another shard, and nothing was put.
  database.prepare('INSERT INTO crls (crl, issuer_key_id, shard, last_number) VALUES (8, ?, 1, 3)').run(issuer)
  for (const [part, der] of parts.entries()) {
    database.prepare('INSERT INTO crl_parts (crl, part, der) VALUES (7, ?, ?)').run(part, der)
  }

  const store = sqliteStore({ database })
  const crl = await store.crl(scope)
  expect(crl).toMatchObject({ crlNumber: 8n, thisUpdate: new Date(1000), nextUpdate: new Date(2000) })
  expect(crl?.parts.map(part => Buffer.from(part))).toEqual(parts)
  expect(await store.crl({ ...scope, delta: true })).toBeUndefined()
  expect(await store.crl({ ...scope, shard: 1 })).toBeUndefined()
  expect(await store.nextCrlNumber(scope)).toBe(10n)
  expect(await store.nextCrlNumber({ ...scope, shard: 1 })).toBe(4n)

  const revoked = await revokedIn(store)
  expect(revoked).toHaveLength(2)
  const { entries } = await store.crlEntries(scope, {}, { limit: 100 })
  expect(Buffer.from(entries)).toEqual(Buffer.from(encodeRevokedEntries(revoked)))
  const id = { issuerKeyId, serialNumber: revoked[1]!.serialNumber }
  await store.revoke(id, { revocationDate: new Date(), reason: 'keyCompromise' }, [])
  const changed = await store.crlEntries(scope, {}, { limit: 100 })
  expect(Buffer.from(changed.entries)).toEqual(Buffer.from(encodeRevokedEntries(await revokedIn(store))))
  await store.close()
})

it('entries go with the certificates that are pruned', async () => {
  const store = sqliteStore({ database })
  const made = { ...reservation({ serialNumber: '11'.repeat(16), deviceId: 'device-1' }), notAfter: new Date(1000) }
  await store.reserve(made, [])
  await store.revoke(made.id, { revocationDate: new Date(500), reason: 'superseded' }, [])
  const its = { issuerKeyId: made.id.issuerKeyId, shard: made.shard }
  expect((await store.crlEntries(its, {}, { limit: 1 })).entries.length).toBeGreaterThan(0)
  const crl = { crlNumber: 1n, thisUpdate: new Date(2000), nextUpdate: new Date(3000), parts: [new Uint8Array(1)] }
  // The delta CRL is none that the certificate was listed on for good.
  await store.putCrl({ ...its, delta: true }, crl, undefined, [])
  expect(await store.prune({ certificatesExpiredBefore: new Date(5000) }, 10)).toBe(0)
  await store.putCrl(its, crl, undefined, [])
  expect(await store.prune({ certificatesExpiredBefore: new Date(5000) }, 10)).toBe(1)
  expect(database.prepare('SELECT count(*) AS count FROM crl_entries').get()).toEqual({ count: 0 })
  expect((await store.crlEntries(its, {}, { limit: 1 })).entries).toHaveLength(0)
  await store.close()
})

it('tokens and superseded certificates of version 3 stay what they are', async () => {
  oldDatabase(3)
  const device = database.prepare('INSERT INTO devices (device_id) VALUES (?) RETURNING device').get('device-1') as {
    device: number
  }
  const insert = database.prepare(
    `INSERT INTO certificates (issuer_key_id, serial_number, state, role, profile, device, device_id, public_key_hash, not_before,
       not_after, shard, created_at, der, fingerprint, superseded_at)
     VALUES (?, ?, 'issued', 'device', 'device', ?, 'device-1', ?, 0, 8e12, 0, 0, ?, ?, ?)`,
  )
  const ids = ['11', '22'].map(octet => ({ issuerKeyId, serialNumber: octet.repeat(16) }))
  const fingerprints = [randomBytes(32), randomBytes(32)]
  const end = Date.now() + 86_400_000
  for (const [index, { serialNumber }] of ids.entries()) {
    const issuer = Buffer.from(issuerKeyId, 'hex')
    const octets = Buffer.from(serialNumber, 'hex')
    const superseded = index === 0 ? end : null
    insert.run(issuer, octets, device.device, randomBytes(32), randomBytes(9), fingerprints[index]!, superseded)
  }
  const [unspent, spent] = [randomBytes(32), randomBytes(32)]
  const addToken = database.prepare(
    `INSERT INTO tokens (hash, device_id, expires_at, epoch, spent) VALUES (?, 'device-2', ?, 0, ?)`,
  )
  addToken.run(unspent, end, 0)
  addToken.run(spent, end, 1)

  const store = sqliteStore({ database })
  expect(await store.token(unspent)).toEqual({
    hash: new Uint8Array(unspent),
    deviceId: 'device-2',
    expiresAt: new Date(end),
  })
  const ask = (serialNumber: string, tokenHash: Uint8Array) =>
    store.reserve({ ...reservation({ serialNumber, deviceId: 'device-2' }), tokenHash }, [])
  expect(await ask('31'.repeat(16), spent)).toBe('tokenSpent')
  expect(await ask('32'.repeat(16), unspent)).toBe('reserved')

  const renew = (serialNumber: string, supersedes: Uint8Array) =>
    store.reserve(
      { ...reservation({ serialNumber, deviceId: 'device-1' }), expect: { supersedes, at: new Date(end + 1) } },
      [],
    )
  // By what it was superseded is not on record: it stays so.
  await store.revoke(ids[1]!, { revocationDate: new Date(), reason: 'superseded' }, [])
  expect(await renew('33'.repeat(16), fingerprints[0]!)).toBe('expectationFailed')
  expect(await store.supersede(ids[1]!, new Date(end - 1), { type: 'superseded', at: new Date() })).toEqual([])
  await store.close()
})

it('renews and confirms in a database of version 3', async () => {
  oldDatabase(3)
  const store = sqliteStore({ database })
  await store.open()
  const first = reservation({ serialNumber: '41'.repeat(16), deviceId: 'device-1' })
  await store.reserve(first, [])
  const der = randomBytes(40)
  await store.commit(first.id, der, [])
  const supersedes = (await store.certificate(first.id))!.fingerprint!
  const at = new Date('9999-12-31T23:59:59Z')
  const second = { ...reservation({ serialNumber: '42'.repeat(16), deviceId: 'device-1' }), expect: { supersedes, at } }
  await store.reserve(second, [])
  await store.commit(second.id, randomBytes(41), [])
  expect((await store.certificate(first.id))!.supersededAt).toEqual(at)
  expect(await store.supersede(second.id, new Date(5), { type: 'superseded', at: new Date() })).toEqual([first.id])
  await store.close()
})
