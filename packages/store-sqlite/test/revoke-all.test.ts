import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type Fleet, fileKeyring, openFleet, type Store } from '@fleetcert/core'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issuer, reservation } from '../../../test-support/reservation.ts'
import { migrations } from '../src/migrations.ts'

let folder: string
let file: string
let keys: string
const children = new Set<ChildProcess>()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
  file = join(folder, 'fleet.db')
  keys = join(folder, 'keys')
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await rm(folder, { recursive: true })
})

const open = (store: Store): Promise<Fleet> => openFleet({ store, keyring: fileKeyring(keys), background: false })

/** Certificates of an owner, as issuing leaves them, without the signatures; their serial numbers. */
async function fill(store: Store, count: number, owner: string): Promise<string[]> {
  const serials: string[] = []
  const one = async (): Promise<void> => {
    const serialNumber = `1f${randomBytes(15).toString('hex')}`
    const deviceId = `${owner}-${serialNumber.slice(0, 12)}`
    const publicKeyHash = createHash('sha256').update(serialNumber).digest()
    const wanted = { ...reservation({ serialNumber, deviceId }), owner, publicKeyHash }
    expect(await store.reserve(wanted, [])).toBe('reserved')
    expect(await store.commit(wanted.id, randomBytes(100), [])).toBe('committed')
    serials.push(serialNumber)
  }
  while (serials.length < count) await Promise.all(Array.from({ length: Math.min(200, count - serials.length) }, one))
  return serials
}

describe('revokeAll in several processes', () => {
  it('ends each certificate once, though one of them is killed in the middle', { timeout: 120_000 }, async () => {
    const store = sqliteStore({ file })
    const fleet = await open(store)
    const alices = await fill(store, 3000, 'alice')
    const bobs = await fill(store, 10, 'bob')

    const told: string[][] = [[], []]
    const runs = told.map(async (serials, index) => {
      const child = spawn(
        process.execPath,
        [
          ...['--conditions=fleetcert-source', '--no-warnings'],
          ...[join(import.meta.dirname, 'children', 'revoke-all.ts'), file, keys, index === 0 ? '200' : '0'],
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      children.add(child)
      let pages = 0
      for await (const line of createInterface({ input: child.stdout! })) {
        if (line === 'open' || line === 'done') continue
        serials.push(...line.split(' ').filter(Boolean))
        pages += 1
        if (index === 0 && pages === 2) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return child.signalCode
    })
    const [killed, other] = await Promise.all(runs)
    expect([killed, other]).toEqual(['SIGKILL', null])

    // Whoever comes last finds nothing left: the other one went on to the end.
    expect((await fleet.revokeAll({ owner: 'alice' })).certificates).toBe(0)
    const revoked: string[] = []
    for await (const { type, certificate } of fleet.events({ follow: false })) {
      if (type === 'revoked') revoked.push(certificate!.serialNumber)
    }
    expect(revoked.toSorted()).toEqual(alices.toSorted())
    // Nobody was told of what somebody else ended.
    const all = told.flat()
    expect(new Set(all).size).toBe(all.length)
    for (const serialNumber of bobs) {
      expect((await store.certificate({ issuerKeyId: issuer, serialNumber }))?.revocation).toBeUndefined()
    }
    await fleet.close()
  })
})

describe('a file of the first version', () => {
  it('finds what it holds by attribute, owner and key, and forgets what is pruned', async () => {
    const database = new DatabaseSync(file)
    database.exec(migrations[0]!)
    database.exec('PRAGMA application_id = 1718379378')
    database.exec('PRAGMA user_version = 1')
    const insert = database.prepare(
      `INSERT INTO certificates (issuer_key_id, serial_number, state, role, profile, owner, attributes, public_key_hash, not_before,
         not_after, shard, created_at, der, fingerprint) VALUES (?, ?, 'issued', 'device', 'device', 'alice', ?, ?, 0, ?, 0, 5, ?, ?)`,
    )
    const publicKeyHash = new Uint8Array(32)
    const issuerKeyId = Buffer.from(issuer, 'hex')
    for (const [index, attributes] of ['{"batch":"17","site":"n\\"orth"}', null, '{"batch":"18"}'].entries()) {
      const octets = new Uint8Array(32).fill(index + 1)
      insert.run(
        issuerKeyId,
        octets.subarray(0, 16),
        attributes,
        publicKeyHash,
        index === 0 ? 1000 : 1e13,
        octets,
        octets,
      )
    }
    database.close()

    await using store = sqliteStore({ file })
    const serials = async (query: Parameters<Store['certificates']>[0]): Promise<string[]> =>
      (await store.certificates(query, { limit: 10 })).items.map(({ id }) => id.serialNumber.slice(0, 2))
    expect(await serials({ list: 'attribute', name: 'batch', value: '17' })).toEqual(['01'])
    expect(await serials({ list: 'attribute', name: 'site', value: 'n"orth' })).toEqual(['01'])
    expect(await serials({ list: 'owner', owner: 'alice' })).toEqual(['01', '02', '03'])
    expect(await serials({ list: 'key', publicKeyHash })).toEqual(['01', '02', '03'])
    expect(await serials({ list: 'created', from: new Date(5), before: new Date(6) })).toEqual(['01', '02', '03'])
    expect(await store.prune({ certificatesExpiredBefore: new Date(2000) }, 10)).toBe(1)
    expect(await serials({ list: 'attribute', name: 'site', value: 'n"orth' })).toEqual([])
    const reader = new DatabaseSync(file, { readOnly: true })
    expect(reader.prepare('SELECT name, value FROM certificate_attributes').all()).toEqual([
      { name: 'batch', value: '18' },
    ])
    reader.close()
  })
})
