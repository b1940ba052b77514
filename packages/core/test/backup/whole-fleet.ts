import { type DeviceCredential, type Fleet, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import type { Keyring } from '../../src/signer/signer.ts'
import { encodeStoreRecord } from '../../src/store/record-codec.ts'
import { recordKey } from '../../src/store/record-keys.ts'
import { type StoreRecord, storeRecordKinds, type TransferStore } from '../../src/store/store-records.ts'
import { deviceKey } from '../fleet/device-side.ts'

/** A fleet that has some of everything, and what `identify` said of each certificate. */
export interface WholeFleet {
  readonly fleet: Fleet
  readonly credentials: ReadonlyMap<string, DeviceCredential>
  /** A token that was never used, and one that was. */
  readonly tokens: { readonly unspent: string; readonly spent: string }
}

export const publish = { baseUrl: 'http://pki.example.com' }

export async function wholeFleet(store: Store, keyring: Keyring): Promise<WholeFleet> {
  const fleet = await openFleet({
    store,
    keyring,
    organization: 'Acme',
    publish,
    crl: { shards: 2, delta: true },
    background: false,
  })
  const credentials = new Map<string, DeviceCredential>()
  for (let index = 0; index < 12; index += 1) {
    const id = `sensor-${index}`
    credentials.set(
      id,
      await fleet.enroll(id, { owner: index % 2 === 0 ? 'ann' : 'bob', attributes: { site: `hall-${index % 3}` } }),
    )
  }
  credentials.set('renewed', await fleet.renew('sensor-0', {}))
  await fleet.revoke('sensor-1')
  await fleet.revoke('sensor-2', { reason: 'keyCompromise' })
  await fleet.revoke({ fingerprint: credentials.get('sensor-3')!.fingerprint }, { reason: 'certificateHold' })
  await fleet.revoke({ fingerprint: credentials.get('sensor-4')!.fingerprint }, { reason: 'certificateHold' })
  await fleet.release({ fingerprint: credentials.get('sensor-4')!.fingerprint })
  credentials.set('again', await fleet.enroll('sensor-1'))
  await fleet.issueServer({ hosts: ['broker.example.com'] })
  const stranger = await foreignCertificate()
  await fleet.register('pinned', stranger.certificate)
  credentials.set('pinned', stranger)
  const spent = await fleet.createToken({ deviceId: 'by-token' })
  credentials.set('by-token', await fleet.enroll('by-token', { token: spent.token, ...(await deviceKey()) }))
  const unspent = await fleet.createToken({ deviceId: 'later' })
  for (const shard of [0, 1]) {
    await fleet.crl({ shard })
    await fleet.crl({ shard, delta: true })
  }
  await store.saveCursor('audit', (await store.ledger({ after: '', limit: 5 })).next, undefined)
  return { fleet, credentials, tokens: { unspent: unspent.token, spent: spent.token } }
}

async function foreignCertificate(): Promise<DeviceCredential> {
  await using fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
  return await fleet.enroll('foreign')
}

/** What `identify` says of each. */
export async function statuses(
  fleet: Fleet,
  credentials: ReadonlyMap<string, DeviceCredential>,
): Promise<Readonly<Record<string, string>>> {
  const entries: [string, string][] = []
  for (const [name, { fingerprint }] of credentials)
    entries.push([name, (await fleet.identify({ fingerprint })).status])
  return Object.fromEntries(entries)
}

/** All that a store has, by what it is found by. */
export async function allRecords(store: TransferStore): Promise<Map<string, StoreRecord>> {
  const records = new Map<string, StoreRecord>()
  for (const kind of storeRecordKinds) {
    let after: string | undefined
    do {
      const page = await store.exportRecords({ kind, limit: 100, ...(after === undefined ? {} : { after }) })
      for (const record of page.items) records.set(recordKey(record), record)
      after = page.next
    } while (after !== undefined)
  }
  return records
}

/** Octets of each record, of the kinds given. */
export function encoded(
  records: ReadonlyMap<string, StoreRecord>,
  kinds: readonly StoreRecord['kind'][],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...records]
      .filter(([, { kind }]) => kinds.includes(kind))
      .map(([key, record]) => [key, Buffer.from(encodeStoreRecord(record)).toString('base64')]),
  )
}
