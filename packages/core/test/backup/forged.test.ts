import { createHash } from 'node:crypto'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { decryptAge, encryptAge } from '../../src/backup/age/age-file.ts'
import { type BackupTrailer, backupFormat, signedText } from '../../src/backup/format/backup-json.ts'
import { decodeFrames, encodeFrameHead, type Frame, type FrameType } from '../../src/backup/format/frame.ts'
import { decodeRecordPage, encodeRecordPage } from '../../src/backup/format/record-page.ts'
import { backupFleet, createBackupIdentity, restoreFleet, verifyBackup } from '../../src/backup/index.ts'
import type { Keyring } from '../../src/signer/signer.ts'
import type { StoreRecord } from '../../src/store/store-records.ts'
import { collect, failure, inPieces } from './octets.ts'

// Whoever knows a recipient can encrypt anything for it.
let fleet: Fleet
let keyring: Keyring
let identities: readonly string[]
let recipients: readonly string[]
let frames: readonly Frame[]
beforeAll(async () => {
  const pair = await createBackupIdentity()
  identities = [pair.identity]
  recipients = [pair.recipient]
  const store = memoryStore()
  keyring = memoryKeyring()
  fleet = await openFleet({ store, keyring, background: false })
  await fleet.enroll('sensor-1')
  await fleet.revoke('sensor-1')
  const file = await collect(backupFleet({ store, keyring, recipients }))
  const plain = await collect(decryptAge(inPieces(file), { identities }))
  frames = await Array.fromAsync(decodeFrames(inPieces(plain)))
  return () => fleet.close()
})

const octetsOf = (some: readonly Frame[]): Buffer =>
  Buffer.concat(some.flatMap(({ type, content }) => [encodeFrameHead(type, content.length), content]))
const seal = async (plain: Uint8Array): Promise<Buffer> => collect(encryptAge(inPieces(plain), { recipients }))

/** What a verification of a file with that content ends with; a restore ends with the same, and changes nothing. */
async function verdict(plain: Uint8Array): Promise<string> {
  const file = await seal(plain)
  const from = (): AsyncIterable<Uint8Array> => inPieces(file)
  const store = memoryStore()
  const target = memoryKeyring()
  const restored = await failure(restoreFleet({ from, identities, store, keyring: target }))
  const verified = await failure(verifyBackup({ from, identities }))
  expect(restored).toBe(verified)
  if (verified !== 'nothing') {
    expect(await store.state()).toMatchObject({ state: 'empty' })
    expect(await target.list()).toEqual([])
  }
  return verified
}

/** The frames with a trailer that counts and digests them; signed by whoever is asked. */
async function resigned(
  some: readonly Frame[],
  signer = keyring.open('ca'),
  change: (trailer: BackupTrailer) => object = trailer => trailer,
): Promise<Buffer> {
  const before = some.filter(({ type }) => type !== 'trailer')
  const records: Record<string, number> = {}
  for (const { type, content } of before) {
    if (type !== 'records') continue
    for (const { kind } of decodeRecordPage(content)) records[kind] = (records[kind] ?? 0) + 1
  }
  const old = JSON.parse(some.at(-1)!.content.toString()) as BackupTrailer
  const digest = createHash('sha256').update(octetsOf(before)).digest('hex')
  const { publicKey, sign } = (await signer)!
  const signature = {
    ...old.signature,
    publicKey: Buffer.from(publicKey).toString('hex'),
    value: Buffer.from(await sign(signedText(digest))).toString('hex'),
  }
  const trailer = change({ records, digest, signature })
  return octetsOf([...before, { type: 'trailer', content: Buffer.from(JSON.stringify(trailer)) }])
}

const json = (type: FrameType, change: (value: Record<string, unknown>) => unknown): readonly Frame[] =>
  frames.map(frame => {
    if (frame.type !== type) return frame
    return { type, content: Buffer.from(JSON.stringify(change(JSON.parse(frame.content.toString())))) }
  })
const records = (change: (record: StoreRecord) => StoreRecord): readonly Frame[] =>
  frames.map(frame =>
    frame.type === 'records'
      ? { type: frame.type, content: encodeRecordPage(decodeRecordPage(frame.content).map(change)) }
      : frame,
  )

describe('a file that somebody else has made', () => {
  it('is told from one that was made here', async () => {
    expect(await verdict(octetsOf(frames))).toBe('nothing')
    expect(await verdict(await resigned(frames))).toBe('nothing')
  })

  it('is not signed by a CA of the fleet', async () => {
    const unsigned = 'ERR_PKI_BACKUP it is not signed by an issuing CA of its fleet'
    const changed = records(record =>
      record.kind === 'certificate' && record.record.revocation !== undefined
        ? { ...record, record: { ...record.record, role: 'service' } }
        : record,
    )
    expect(await verdict(await resigned(changed, memoryKeyring().create('x', 'P-256')))).toBe(unsigned)
    expect(await verdict(await resigned(changed, keyring.open('root')))).toBe(unsigned)
    const other = await memoryKeyring().create('x', 'P-256')
    const ca = (await keyring.open('ca'))!
    const borrowed = { ...other, publicKey: ca.publicKey }
    expect(await verdict(await resigned(changed, Promise.resolve(borrowed)))).toBe(unsigned)
    expect(await verdict(octetsOf(changed))).toBe('ERR_PKI_BACKUP it is not what its end says')
  })

  it('has no end, another end, or more behind it', async () => {
    expect(await verdict(octetsOf(frames.slice(0, -1)))).toBe('ERR_PKI_BACKUP it has no end')
    for (let count = 0; count < frames.length; count += 1) {
      expect(await verdict(octetsOf(frames.slice(0, count)))).toMatch(/^ERR_PKI_BACKUP/)
    }
    expect(await verdict(octetsOf([...frames, frames.at(-2)!]))).toMatch(/another order/)
    expect(await verdict(octetsOf([frames[1]!, frames[0]!, ...frames.slice(2)]))).toMatch(/another order/)
    expect(await verdict(octetsOf([frames[0]!, ...frames]))).toMatch(/another order/)
    const without = frames.toSpliced(3, 1)
    expect(await verdict(octetsOf(without))).toBe('ERR_PKI_BACKUP it is not what its end says')
    const miscounted = await resigned(frames, undefined, trailer => ({
      ...trailer,
      records: { ...trailer.records, event: 1 },
    }))
    expect(await verdict(miscounted)).toBe('ERR_PKI_BACKUP it is not what its end says')
  })

  it('is of another version', async () => {
    const newer = await resigned(json('header', header => ({ ...header, format: backupFormat + 1 })))
    expect(await verdict(newer)).toBe('ERR_PKI_BACKUP_VERSION')
    expect(await verdict(await resigned(json('header', header => ({ ...header, format: 0 }))))).toBe(
      'ERR_PKI_BACKUP its header is malformed',
    )
  })

  it.each([
    ['header', { fleetId: 'xyz' }],
    ['header', { createdAt: 'yesterday' }],
    ['header', { organization: 7 }],
    ['key', { keyring: 'other' }],
    ['key', { pem: 7 }],
    ['key', { publicKey: 'nothex' }],
  ] as const)('has a %s that is none: %j', async (type, change) => {
    expect(await verdict(await resigned(json(type, value => ({ ...value, ...change }))))).toBe(
      `ERR_PKI_BACKUP its ${type} is malformed`,
    )
  })

  it('has the key of another CA', async () => {
    const other = memoryKeyring()
    await other.create('ca', 'P-256')
    const pem = await other.export!('ca')
    const swapped = await resigned(json('key', key => (key['name'] === 'ca' ? { ...key, pem } : key)))
    const file = await seal(swapped)
    const from = (): AsyncIterable<Uint8Array> => inPieces(file)
    const store = memoryStore()
    const target = memoryKeyring()
    expect(await failure(restoreFleet({ from, identities, store, keyring: target }))).toBe(
      'ERR_PKI_BACKUP a key in it is not that of its CA',
    )
    expect(await target.list()).toEqual([])
    expect(await store.state()).toMatchObject({ state: 'empty' })
    const missing = frames.filter(({ type, content }) => type !== 'key' || !content.includes('"ca"'))
    expect(await verdict(await resigned(missing))).toBe('ERR_PKI_BACKUP its keys are not those of its CAs')
  })

  it('has a certificate of another fingerprint, a ledger out of order, or no fleet in it', async () => {
    const fingerprint = records(record =>
      record.kind === 'certificate' && record.ordinal === 1
        ? { ...record, record: { ...record.record, fingerprint: Buffer.alloc(32) } }
        : record,
    )
    expect(await verdict(await resigned(fingerprint))).toBe(
      'ERR_PKI_BACKUP a certificate in it has another fingerprint',
    )
    const ledger = records(record =>
      record.kind === 'event' && record.sequence === 3 ? { ...record, sequence: 1 } : record,
    )
    expect(await verdict(await resigned(ledger))).toBe('ERR_PKI_BACKUP its ledger is out of order')
    const head = records(record => (record.kind === 'head' ? { ...record, lastSequence: 1 } : record))
    expect(await verdict(await resigned(head))).toBe('ERR_PKI_BACKUP its ledger is longer than it says')
    const none = records(record =>
      record.kind === 'document' && record.name === 'fleet' ? { ...record, name: 'else' } : record,
    )
    expect(await verdict(await resigned(none))).toBe('ERR_PKI_BACKUP there is no fleet in it')
    const pages = frames.filter(({ type }) => type === 'records')
    const broken = frames.map(frame =>
      frame === pages[0] ? { ...frame, content: frame.content.subarray(0, -1) } : frame,
    )
    expect(await verdict(octetsOf(broken))).toMatch(
      /^ERR_PKI_BACKUP a (page of records is cut short|record is malformed)/,
    )
  })

  it('asks for more memory than there is', async () => {
    const head = Buffer.from([2, 0xff, 0xff, 0xff, 0xff])
    expect(await verdict(Buffer.concat([octetsOf(frames.slice(0, 3)), head, Buffer.alloc(1000)]))).toBe(
      'ERR_PKI_BACKUP what it holds is no backup',
    )
    const page = Buffer.alloc(64)
    page.writeUInt32BE(0xffffffff)
    const bomb: Frame = { type: 'records', content: page }
    expect(await verdict(octetsOf([...frames.slice(0, 3), bomb]))).toBe('ERR_PKI_BACKUP a page of records is cut short')
    expect(await verdict(Buffer.from('plain text, and no frames'))).toBe('ERR_PKI_BACKUP what it holds is no backup')
    expect(await verdict(Buffer.alloc(0))).toBe('ERR_PKI_BACKUP it has no end')
  })

  it('is another one at the second reading', async () => {
    const first = await seal(octetsOf(frames))
    const second = await seal(
      await resigned(json('header', header => ({ ...header, createdAt: new Date(0).toISOString() }))),
    )
    let readings = 0
    const from = (): AsyncIterable<Uint8Array> => inPieces(readings++ === 0 ? first : second)
    const store = memoryStore()
    expect(await failure(restoreFleet({ from, identities, store, keyring: memoryKeyring() }))).toMatch(/second reading/)
    expect((await store.state()).state).not.toBe('open')
  })
})

describe('fleets with other CAs', () => {
  it('of an external root, and in the middle of a rollover', async () => {
    const source = { store: memoryStore(), keyring: memoryKeyring() }
    const waiting = await openFleet({ ...source, organization: 'Online', root: { external: true }, background: false })
    const { csr } = await waiting.issuerRequest()
    expect(await failure(collect(backupFleet({ ...source, recipients })))).toBe('ERR_PKI_AWAITING_ISSUER')
    const { certificate, chain } = await fleet.signSubordinate(csr)
    await waiting.importIssuer(certificate, { chain })
    const { fingerprint } = await waiting.enroll('sensor-1')
    const again = async (): Promise<void> => {
      const file = await collect(backupFleet({ ...source, recipients }))
      const to = { store: memoryStore(), keyring: memoryKeyring() }
      await restoreFleet({ ...to, from: () => inPieces(file), identities, trustAnchors: waiting.trustAnchors })
      const restored = await openFleet({ ...to, background: false })
      expect(restored.trustAnchors).toBe(waiting.trustAnchors)
      expect((await restored.identify({ fingerprint })).status).toBe('active')
      await restored.enroll('sensor-2')
      await restored.close()
    }
    await again()

    const own = { store: memoryStore(), keyring: memoryKeyring() }
    const rolling = await openFleet({ ...own, background: false })
    await rolling.rollover('announce', { root: true })
    for (const step of [undefined, 'issue'] as const) {
      if (step !== undefined) await rolling.rollover(step)
      const file = await collect(backupFleet({ ...own, recipients }))
      const to = { store: memoryStore(), keyring: memoryKeyring() }
      await restoreFleet({ ...to, from: () => inPieces(file), identities })
      const restored = await openFleet({ ...to, background: false })
      expect(restored.trustAnchors).toBe(rolling.trustAnchors)
      expect(await restored.rolloverStatus()).toEqual(await rolling.rolloverStatus())
      await restored.close()
    }
    await rolling.close()
    await waiting.close()
  })
})
