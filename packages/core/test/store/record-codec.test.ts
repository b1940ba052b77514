import {
  decodeStoreRecord,
  encodeStoreRecord,
  isPkiError,
  maxStoreRecordBytes,
  memoryStore,
  recordKey,
  revokedEntryDate,
  type StoreRecord,
  storeRecordKinds,
} from '@fleetcert/core'
import { encodeRevokedEntries } from '@fleetcert/x509'
import { beforeAll, describe, expect, it } from 'vitest'
import { Fixture } from '../../src/testing/store/fixture.ts'
import { exportAll, makeMovingFleet } from '../../src/testing/store/moving-fleet.ts'
import { seededRandom } from '../crash/random.ts'

let records: readonly StoreRecord[]
beforeAll(async () => {
  const store = memoryStore()
  await makeMovingFleet(new Fixture(store))
  records = await exportAll(store, 100)
})

/** What was read is what was written, or it was refused with the one code. */
function readOrRefused(octets: Uint8Array): StoreRecord | undefined {
  let record: StoreRecord
  try {
    record = decodeStoreRecord(octets)
  } catch (error) {
    if (!isPkiError(error, 'ERR_PKI_STORE_RECORD')) throw error
    return undefined
  }
  expect(Buffer.from(encodeStoreRecord(record)).equals(octets), 'each record has one encoding').toBe(true)
  return record
}

describe('records as octets', () => {
  it('come back as they were, of every kind, and small', () => {
    expect(new Set(records.map(({ kind }) => kind))).toEqual(new Set(storeRecordKinds))
    for (const record of records) {
      const octets = encodeStoreRecord(record)
      expect(decodeStoreRecord(octets)).toEqual(record)
      if (record.kind !== 'certificate') continue
      const { der, tbsCertificate } = record.record
      expect(octets.length).toBeLessThan((der ?? tbsCertificate!).length + 320)
    }
    expect(new Set(records.map(recordKey)).size).toBe(records.length)
  })

  it('are refused when attributes are no object', () => {
    const entry = records.find(record => record.kind === 'certificate')!
    for (const attributes of [5, null, 'x']) {
      const bad = { ...entry, record: { ...entry.record, attributes } } as unknown as StoreRecord
      expect(() => encodeStoreRecord(bad)).toThrowError(expect.objectContaining({ code: 'ERR_PKI_STORE_RECORD' }))
    }
  })

  it('are refused when they are cut off or longer', () => {
    for (const record of records) {
      const octets = encodeStoreRecord(record)
      for (let length = 0; length < octets.length; length++) {
        expect(readOrRefused(octets.subarray(0, length)), `${record.kind}, cut at ${length}`).toBeUndefined()
      }
      expect(readOrRefused(Buffer.concat([octets, new Uint8Array(1)]))).toBeUndefined()
    }
  })

  it('are refused, or other records, when an octet is another', () => {
    const random = seededRandom(7)
    let refused = 0
    for (const record of records) {
      const octets = encodeStoreRecord(record)
      for (let at = 0; at < octets.length; at++) {
        const other = Uint8Array.from(octets)
        other[at] = other[at]! ^ (1 + random.below(255))
        const read = readOrRefused(other)
        if (read === undefined) refused += 1
        else expect(read).not.toEqual(record)
      }
    }
    expect(refused).toBeGreaterThan(100)
  })

  it('of chance are refused, in time that does not depend on what they promise', () => {
    const random = seededRandom(11)
    for (let count = 0; count < 20_000; count++) {
      const octets = Uint8Array.from({ length: random.below(60) }, () => random.below(256))
      if (octets.length > 0) octets[0] = random.below(13)
      readOrRefused(octets)
    }
    // A text, octets and a list that are said to be as long as numbers go.
    for (const kind of [1, 2, 5, 6, 9]) {
      readOrRefused(Uint8Array.from([kind, ...Array.from({ length: 40 }, () => 0xff), 0x0f]))
      readOrRefused(Uint8Array.from([kind, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]))
    }
    expect(() => decodeStoreRecord(new Uint8Array(maxStoreRecordBytes + 1))).toThrow()
  })

  it('are not made of what could not be read back', () => {
    const certificate = records.find(record => record.kind === 'certificate' && record.record.der !== undefined)!
    if (certificate.kind !== 'certificate') throw new Error('no certificate')
    const { record } = certificate
    const bad: readonly unknown[] = [
      undefined,
      {},
      { kind: 'device', deviceId: '\ud800', epoch: 1 },
      { kind: 'device', deviceId: 'd', epoch: -1 },
      { kind: 'device', deviceId: 'd', epoch: 0.5 },
      { kind: 'blockedKey', publicKeyHash: new Uint8Array(31) },
      { kind: 'document', name: 'd', version: 1, value: 'text' },
      { kind: 'document', name: 'd', version: 1, value: new Uint8Array(maxStoreRecordBytes) },
      { kind: 'crlScope', issuerKeyId: 'AB', shard: 0, lastNumber: 1n, lastChange: 0, lastPlace: 0 },
      { kind: 'crlScope', issuerKeyId: 'ab', shard: 0, lastNumber: 2n ** 63n, lastChange: 0, lastPlace: 0 },
      { kind: 'crlScope', issuerKeyId: 'ab', shard: 0, lastNumber: 1, lastChange: 0, lastPlace: 0 },
      {
        kind: 'crlPart',
        issuerKeyId: 'ab',
        shard: 0,
        delta: false,
        crlNumber: 1n,
        part: 0,
        octets: new Uint8Array(2 ** 20 + 1),
      },
      { kind: 'event', sequence: 0, event: { type: 'issued', at: new Date(0) } },
      { kind: 'event', sequence: 1, event: { type: 'issued', at: 'now' } },
      { kind: 'event', sequence: 1, event: { type: 'issued', at: new Date(0), details: { deep: {} } } },
      { kind: 'event', sequence: 1, event: { type: 'issued', at: new Date(0), details: { number: Number.NaN } } },
      { ...certificate, ordinal: 0 },
      { ...certificate, supersedes: { ordinal: 1, at: new Date(0) } },
      { ...certificate, revocation: { place: 0, change: 1, heldAt: new Date(0) } },
      { ...certificate, revocation: { place: 1, change: 1 } },
      { ...certificate, record: { ...record, revocation: { reason: 'unspecified', revocationDate: new Date(0) } } },
      { ...certificate, record: { ...record, role: 'king' } },
      { ...certificate, record: { ...record, holder: { instance: 'i', leaseUntil: new Date(0) } } },
      { ...certificate, record: { ...record, tbsCertificate: new Uint8Array(1) } },
    ]
    for (const [index, record] of bad.entries()) {
      let code: unknown
      try {
        encodeStoreRecord(record as StoreRecord)
      } catch (error) {
        code = (error as { code?: unknown }).code
      }
      expect(code, `record ${index}`).toBe('ERR_PKI_STORE_RECORD')
    }
  })
})

it('reads the date of an entry of a CRL, of both forms', () => {
  for (const text of [
    '1970-01-01T00:00:00Z',
    '1999-12-31T23:59:59Z',
    '2026-06-07T08:09:10Z',
    '2049-12-31T23:59:59Z',
    '2050-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ]) {
    const revocationDate = new Date(text)
    for (const serialNumber of ['01', 'ff', `7f${'00'.repeat(19)}`]) {
      const entry = encodeRevokedEntries([{ serialNumber, revocation: { revocationDate, reason: 'removeFromCRL' } }])
      expect(revokedEntryDate(entry)).toEqual(revocationDate)
    }
  }
})
