import { createHash, randomBytes } from 'node:crypto'
import {
  type CertificateId,
  type CertificateRecord,
  type Enforcer,
  type Fleet,
  type FleetEvent,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
  type Reservation,
  type RevokeAllQuery,
  type RevokedPage,
  type Store,
} from '@fleetcert/core'
import { parseCrl } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'

let now: Date
let store: Store
let fleet: Fleet
let issuerKeyId: string
let silenced: string[]
let silence: Enforcer['silence']

const open = (shared: Store): Promise<Fleet> => {
  const lasting = Object.assign(Object.create(shared) as Store, { close: async () => {} })
  return openFleet({
    store: lasting,
    keyring,
    clock: () => now,
    background: false,
    enforceTimeoutSeconds: 0.2,
    enforcers: [{ name: 'broker', silence: (target, options) => silence(target, options) }],
  })
}
let keyring = memoryKeyring()
beforeEach(async () => {
  now = new Date('2026-11-21T12:00:00Z')
  keyring = memoryKeyring()
  silenced = []
  silence = async ({ deviceId }) => {
    silenced.push(deviceId)
    return 'gone'
  }
  store = memoryStore({ clock: () => now })
  fleet = await open(store)
  for await (const issuer of fleet.issuers()) issuerKeyId = issuer.issuerKeyId
  return () => fleet.close()
})
const later = (seconds: number): void => {
  now = new Date(now.getTime() + seconds * 1000)
}

/** Certificates as issuing leaves them, without the signatures. */
async function fill(
  count: number,
  subject: (index: number) => Partial<Reservation> = () => ({}),
  commit = true,
): Promise<CertificateId[]> {
  const ids: CertificateId[] = []
  for (let index = 0; index < count; index += 1) {
    const der = randomBytes(64)
    const id = { issuerKeyId, serialNumber: `1f${randomBytes(15).toString('hex')}` }
    const reservation: Reservation = {
      id,
      role: 'device',
      profile: 'device',
      deviceId: `device-${id.serialNumber.slice(0, 12)}`,
      publicKeyHash: createHash('sha256').update(der).digest(),
      notBefore: now,
      notAfter: new Date(now.getTime() + 365 * 86_400_000),
      shard: 0,
      createdAt: now,
      tbsCertificate: der,
      holder: { instance: 'fill', leaseUntil: new Date(now.getTime() + 60_000) },
      expect: 'any',
      ...subject(index),
    }
    const { deviceId } = reservation
    const event = { at: now, certificate: id, ...(deviceId === undefined ? {} : { deviceId }) }
    expect(await store.reserve(reservation, [{ ...event, type: 'issuing' }])).toBe('reserved')
    if (commit) expect(await store.commit(id, der, [{ ...event, type: 'issued' }])).toBe('committed')
    ids.push(id)
  }
  return ids
}

const records = async (ids: readonly CertificateId[]): Promise<CertificateRecord[]> =>
  Promise.all(ids.map(async id => (await store.certificate(id))!))
const revokedOf = async (ids: readonly CertificateId[]): Promise<number> =>
  (await records(ids)).filter(({ revocation }) => revocation !== undefined).length
async function revokedEvents(): Promise<FleetEvent[]> {
  const events: FleetEvent[] = []
  for await (const event of fleet.events({ follow: false })) if (event.type === 'revoked') events.push(event)
  return events
}
/** That each of them has exactly one event, and nothing else has one. */
async function expectOnce(ids: readonly CertificateId[]): Promise<void> {
  const serials = (await revokedEvents()).map(({ certificate }) => certificate!.serialNumber)
  expect(serials.toSorted()).toEqual(ids.map(({ serialNumber }) => serialNumber).toSorted())
}

describe('revokeAll', () => {
  it('ends all of an owner, page by page, and nobody else', async () => {
    const alices = await fill(600, () => ({ owner: 'alice' }))
    const bobs = await fill(3, () => ({ owner: 'bob' }))
    const pages: RevokedPage[] = []
    const result = await fleet.revokeAll(
      { owner: 'alice' },
      { reason: 'cessationOfOperation' },
      { onPage: page => void pages.push(page) },
    )
    expect(result).toMatchObject({ certificates: 600, unknown: [] })
    expect(pages.map(({ certificates, devices }) => [certificates.length, devices.length])).toEqual([
      [256, 256],
      [256, 256],
      [88, 88],
    ])
    expect(pages.map(({ cursor }) => typeof cursor)).toEqual(['string', 'string', 'undefined'])
    expect(await result.enforced).toEqual({ confirmed: 600, pending: 0, failed: 0, unconfirmed: [] })
    expect(new Set(silenced).size).toBe(600)
    expect(silenced).toHaveLength(600)
    expect([await revokedOf(alices), await revokedOf(bobs)]).toEqual([600, 0])
    await expectOnce(alices)
    for (const { deviceId, details } of await revokedEvents()) {
      expect(details?.['reason']).toBe('cessationOfOperation')
      expect(deviceId).toMatch(/^device-/)
    }
    expect(parseCrl((await fleet.crl()).der).entries).toHaveLength(600)
    later(5)
    const again = await fleet.revokeAll({ owner: 'alice' })
    expect(again.certificates).toBe(0)
    await expectOnce(alices)
  })

  it('ends a batch by attribute, by time of issuing, by list', async () => {
    const [batch] = await fill(1, () => ({ attributes: { batch: '17', site: 'north' } }))
    const [other] = await fill(1, () => ({ attributes: { batch: '18', site: 'north' } }))
    const attribute = { name: 'batch', value: '17' }
    expect((await fleet.revokeAll({ attribute })).certificates).toBe(1)
    expect([await revokedOf([batch!]), await revokedOf([other!])]).toEqual([1, 0])

    later(3600)
    const from = now
    const window = await fill(2)
    const { certificate: _, serialNumber } = await fleet.issueServer({ hosts: ['broker.example'] })
    later(60)
    const before = now
    const after = await fill(1)
    expect((await fleet.revokeAll({ issued: { from, before } })).certificates).toBe(3)
    expect(await revokedOf([...window, { issuerKeyId, serialNumber }])).toBe(3)
    expect(await revokedOf([other!, ...after])).toBe(0)

    await fleet.enroll('sensor-1')
    await fleet.renew('sensor-1')
    await fleet.enroll('sensor-2')
    const deviceIds = ['sensor-1', 'stranger', 'sensor-1']
    expect(await fleet.revokeAll({ deviceIds })).toMatchObject({ certificates: 2, unknown: ['stranger'] })
    expect((await fleet.device('sensor-1'))?.status).toBe('revoked')
    expect((await fleet.device('sensor-2'))?.status).toBe('active')
  })

  it('never ends a CA of the fleet', async () => {
    await fleet.enroll('sensor-1')
    later(1)
    const everything = { issued: { from: new Date(0), before: now } }
    expect((await fleet.revokeAll(everything, { reason: 'keyCompromise' })).certificates).toBe(1)
    for await (const issuer of fleet.issuers()) {
      for (const { revocation } of (
        await store.certificates({ list: 'key', publicKeyHash: Buffer.from(issuer.issuerKeyId, 'hex') }, { limit: 10 })
      ).items) {
        expect(revocation).toBeUndefined()
      }
    }
    await fleet.enroll('sensor-2')
  })

  it('ends what is being made, too, and a renewal of it is refused', async () => {
    const reserved = await fill(1, () => ({ owner: 'alice', deviceId: 'sensor-1' }), false)
    await fleet.enroll('sensor-2', { owner: 'alice' })
    const { commit } = store
    store.commit = async (...args) => {
      store.commit = commit
      await fleet.revokeAll({ owner: 'alice' })
      return commit.apply(store, args)
    }
    await expect(fleet.renew('sensor-2')).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_PKI_/) })
    expect(await revokedOf(reserved)).toBe(1)
    expect((await fleet.device('sensor-2'))?.status).toBe('revoked')
    // An operator may enrol it again.
    await fleet.enroll('sensor-2', { owner: 'bob' })
    expect((await fleet.revokeAll({ owner: 'alice' })).certificates).toBe(0)
    expect((await fleet.device('sensor-2'))?.status).toBe('active')
  })

  it('with keyCompromise, ends whatever else has the keys, and blocks them', async () => {
    const shared = createHash('sha256').update('shared').digest()
    const alices = await fill(2, index => ({ owner: 'alice', ...(index === 0 ? { publicKeyHash: shared } : {}) }))
    const sharers = await fill(300, () => ({ owner: 'bob', publicKeyHash: shared }))
    const bobs = await fill(1, () => ({ owner: 'bob' }))
    const result = await fleet.revokeAll({ owner: 'alice' }, { reason: 'keyCompromise' })
    expect(result.certificates).toBe(302)
    expect((await result.enforced).confirmed).toBe(302)
    expect([await revokedOf(alices), await revokedOf(sharers), await revokedOf(bobs)]).toEqual([2, 300, 0])
    expect(await store.blockKey(shared, [])).toBe(false)
    await expectOnce([...alices, ...sharers])
  })

  it('holds, which can be lifted', async () => {
    await fleet.enroll('sensor-1', { owner: 'alice' })
    expect((await fleet.revokeAll({ owner: 'alice' }, { reason: 'certificateHold' })).certificates).toBe(1)
    expect((await fleet.device('sensor-1'))?.status).toBe('held')
    expect(await fleet.release('sensor-1')).toBe(true)
    expect((await fleet.device('sensor-1'))?.status).toBe('active')
  })
})

describe('revokeAll that is cut short', () => {
  const query = { owner: 'alice' }
  let alices: CertificateId[]
  beforeEach(async () => {
    alices = await fill(700, () => ({ owner: 'alice' }))
  })

  it('goes on from the beginning, and revokes nothing twice', async () => {
    const { revokeAll } = store
    let pages = 0
    store.revokeAll = async (...args) => {
      pages += 1
      if (pages === 2) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
      return revokeAll.apply(store, args)
    }
    await expect(fleet.revokeAll(query)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    expect(await revokedOf(alices)).toBe(256)
    await expect.poll(() => silenced.length).toBe(256)
    later(60)
    expect((await fleet.revokeAll(query)).certificates).toBe(444)
    await expectOnce(alices)
    await expect.poll(() => new Set(silenced).size).toBe(700)
    // What was revoked keeps its date.
    const dates = new Set((await records(alices)).map(({ revocation }) => revocation!.revocationDate.getTime()))
    expect(dates.size).toBe(2)
  })

  it('goes on from its cursor, in another process, and looks at nothing before it', async () => {
    let cursor = ''
    const stop = new Error('enough')
    const onPage = (page: RevokedPage): void => {
      cursor = page.cursor!
      throw stop
    }
    await expect(fleet.revokeAll(query, {}, { onPage })).rejects.toBe(stop)
    expect(await revokedOf(alices)).toBe(256)
    const other = await open(store)
    const { revokeAll } = store
    let pages = 0
    store.revokeAll = (...args) => {
      pages += 1
      return revokeAll.apply(store, args)
    }
    expect((await other.revokeAll(query, {}, { after: cursor })).certificates).toBe(444)
    expect(pages).toBe(2)
    await expectOnce(alices)
    await other.close()
  })

  it('is finished though a page was done and its answer lost', async () => {
    const { revokeAll } = store
    let pages = 0
    store.revokeAll = async (...args) => {
      const page = await revokeAll.apply(store, args)
      pages += 1
      if (pages === 2) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
      return page
    }
    await expect(fleet.revokeAll(query)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    expect((await fleet.revokeAll(query)).certificates).toBe(188)
    await expectOnce(alices)
  })

  it('hears a signal before the first page and between any two', async () => {
    const reason = new Error('stop')
    await expect(fleet.revokeAll(query, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await revokedOf(alices)).toBe(0)
    for (const [index, expected] of [256, 512, 700].entries()) {
      const controller = new AbortController()
      const run = fleet.revokeAll(
        query,
        {},
        {
          signal: controller.signal,
          // An earlier round's pages are empty by now.
          onPage: ({ certificates }) => void (certificates.length > 0 && controller.abort(reason)),
        },
      )
      if (index < 2) await expect(run).rejects.toBe(reason)
      else await run
      expect(await revokedOf(alices)).toBe(expected)
    }
    await expectOnce(alices)
  })

  it('ends with the fleet', async () => {
    const run = fleet.revokeAll(query, {}, { onPage: () => fleet.close() })
    await expect(run).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    expect(await revokedOf(alices)).toBe(256)
    await expect(fleet.revokeAll(query)).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    fleet = await open(store)
    expect((await fleet.revokeAll(query)).certificates).toBe(444)
  })

  it('finishes the keys of a page that it had ended already', async () => {
    const shared = createHash('sha256').update('shared').digest()
    await fill(1, () => ({ owner: 'carol', publicKeyHash: shared }))
    const sharers = await fill(3, () => ({ owner: 'bob', publicKeyHash: shared }))
    const { revokeAll } = store
    store.revokeAll = (page, ...args) => {
      if (page.list === 'key') throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
      return revokeAll.call(store, page, ...args)
    }
    const carol = { owner: 'carol' }
    const request = { reason: 'keyCompromise' } as const
    await expect(fleet.revokeAll(carol, request)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    expect(await revokedOf(sharers)).toBe(0)
    store.revokeAll = revokeAll
    expect((await fleet.revokeAll(carol, request)).certificates).toBe(3)
    expect(await revokedOf(sharers)).toBe(3)
  })

  it('goes on in a list of devices where it was', async () => {
    const deviceIds = (await records(alices)).map(({ deviceId }) => deviceId!)
    let cursor = ''
    const { revokeDevice } = store
    store.revokeDevice = async (...args) => {
      if (args[0] === deviceIds[300]) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'simulated' })
      return revokeDevice.apply(store, args)
    }
    const onPage = (page: RevokedPage): void => {
      cursor = page.cursor ?? ''
    }
    await expect(fleet.revokeAll({ deviceIds }, {}, { onPage })).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_UNAVAILABLE',
    })
    store.revokeDevice = revokeDevice
    // Of the second group all but one was done.
    expect(await revokedOf(alices)).toBe(511)
    await expect.poll(() => silenced.length).toBe(511)
    const result = await fleet.revokeAll({ deviceIds }, {}, { after: cursor, onPage })
    expect(result).toMatchObject({ certificates: 189, unknown: [] })
    expect(cursor).toBe('')
    await expectOnce(alices)
  })
})

describe('two processes', () => {
  it('run the same revokeAll: each certificate is ended by one of them', async () => {
    const alices = await fill(700, () => ({ owner: 'alice' }))
    const other = await open(store)
    const counts = await Promise.all(
      [fleet, other].map(async each => (await each.revokeAll({ owner: 'alice' })).certificates),
    )
    expect(counts[0]! + counts[1]!).toBe(700)
    await expectOnce(alices)
    await other.close()
  })

  it('each closes the sessions of what either ended, once', async () => {
    const closed: Record<string, string[]> = { a: [], b: [] }
    const openWith = (name: 'a' | 'b'): Promise<Fleet> =>
      openFleet({
        store: Object.assign(Object.create(store) as Store, { close: async () => {} }),
        keyring,
        clock: () => now,
        enforcers: [
          {
            name,
            async silence({ deviceId }) {
              closed[name]!.push(deviceId)
              return 'gone'
            },
          },
        ],
      })
    const [a, b] = [await openWith('a'), await openWith('b')]
    await fill(300, () => ({ owner: 'alice' }))
    await a.revokeAll({ owner: 'alice' })
    await expect.poll(() => [closed['a']!.length, closed['b']!.length], { timeout: 10_000 }).toEqual([300, 300])
    await new Promise(resolve => setTimeout(resolve, 1200))
    expect([closed['a']!.length, closed['b']!.length]).toEqual([300, 300])
    await a.close()
    await b.close()
  })
})

describe('sessions', () => {
  it('are closed a hundred at a time, and what is not confirmed is told', async () => {
    await fill(250, index => ({ owner: 'alice', deviceId: `sensor-${index}` }))
    let open = 0
    let most = 0
    silence = async ({ deviceId }, { signal }) => {
      open += 1
      most = Math.max(most, open)
      await new Promise(resolve => setImmediate(resolve))
      open -= 1
      if (deviceId === 'sensor-7') throw new Error('the broker is down')
      if (deviceId === 'sensor-8') await new Promise((_, reject) => signal!.addEventListener('abort', reject))
      return 'gone'
    }
    const result = await fleet.revokeAll({ owner: 'alice' })
    const { unconfirmed, ...counts } = await result.enforced
    expect(counts).toEqual({ confirmed: 248, pending: 1, failed: 1 })
    expect(unconfirmed.toSorted()).toEqual(['sensor-7', 'sensor-8'])
    expect(most).toBe(100)
  })
})

it('a device that somebody names does not wait for a million others', async () => {
  await fill(300, () => ({ owner: 'alice' }))
  await fleet.enroll('sensor-1')
  silence = ({ deviceId }) => {
    silenced.push(deviceId)
    return deviceId === 'sensor-1' ? Promise.resolve('gone') : new Promise(() => {})
  }
  await fleet.revokeAll({ owner: 'alice' })
  expect(silenced).toHaveLength(100)
  const { enforced } = await fleet.revoke('sensor-1')
  expect(await enforced).toEqual({ confirmed: ['broker'], pending: [], failed: [] })
  expect(silenced).toHaveLength(101)
})

describe('sessions of several devices by one revocation', () => {
  const shared = createHash('sha256').update('shared').digest()
  const share = () => fill(3, index => ({ deviceId: `sensor-${index}`, publicKeyHash: shared }))

  it('are confirmed when they are for every device', async () => {
    await share()
    silence = async ({ deviceId }, { signal }) => {
      if (deviceId === 'sensor-1') throw new Error('the broker is down')
      if (deviceId === 'sensor-2') await new Promise((_, reject) => signal!.addEventListener('abort', reject))
      return 'gone'
    }
    const result = await fleet.revoke('sensor-0', { reason: 'keyCompromise' })
    expect(result.devices).toEqual(['sensor-0', 'sensor-1', 'sensor-2'])
    expect(await result.enforced).toMatchObject({ confirmed: [], pending: [], failed: [{ name: 'broker' }] })
  })

  it('are pending while one is', async () => {
    await share()
    silence = ({ deviceId }) => (deviceId === 'sensor-1' ? new Promise(() => {}) : Promise.resolve('gone'))
    const result = await fleet.revoke('sensor-0', { reason: 'keyCompromise' })
    expect(await result.enforced).toEqual({ confirmed: [], pending: ['broker'], failed: [] })
  })

  it('are told of when the fleet is closed, also those that wait for their turn', async () => {
    await fill(250, () => ({ owner: 'alice' }))
    silence = () => new Promise(() => {})
    const { enforced } = await fleet.revokeAll({ owner: 'alice' })
    await fleet.close()
    const { unconfirmed, ...counts } = await enforced
    expect(counts).toEqual({ confirmed: 0, pending: 250, failed: 0 })
    expect(unconfirmed).toHaveLength(250)
  })
})

describe('what is asked for badly', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty query', {}],
    ['null', null],
    ['two things', { owner: 'alice', attribute: { name: 'batch', value: '17' } }],
    ['an unknown word', { owners: 'alice' }],
    ['no device', { deviceIds: [] }],
    ['a device that is not in a list', { deviceIds: 'sensor-1' }],
    ['a key that is none', { publicKey: 'AA' }],
  ])('%s is a TypeError', async (_, query) => {
    await fleet.enroll('sensor-1', { owner: 'alice' })
    await expect(fleet.revokeAll(query as RevokeAllQuery)).rejects.toBeInstanceOf(TypeError)
    expect((await fleet.device('sensor-1'))?.status).toBe('active')
  })

  it.each<[string, unknown]>([
    ['an owner that is undefined', { owner: undefined }],
    ['an empty owner', { owner: '' }],
    ['a wild owner', { owner: '#' }],
    ['an attribute that is undefined', { attribute: undefined }],
    ['an attribute without a value', { attribute: { name: 'batch' } }],
    ['an attribute without a name', { attribute: { value: '17' } }],
    ['a list with one bad id', { deviceIds: ['sensor-1', '../etc'] }],
  ])('%s is ERR_PKI_DEVICE_ID', async (_, query) => {
    await fleet.enroll('sensor-1', { owner: 'alice' })
    await expect(fleet.revokeAll(query as RevokeAllQuery)).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    expect((await fleet.device('sensor-1'))?.status).toBe('active')
  })

  it.each<[string, unknown]>([
    ['no range', undefined],
    ['no beginning', { before: new Date(1) }],
    ['the wrong way round', { from: new Date(2), before: new Date(1) }],
    ['an empty range', { from: new Date(1), before: new Date(1) }],
    ['a date that is none', { from: new Date(Number.NaN), before: new Date(1) }],
    ['texts', { from: '2026-01-01', before: '2026-02-01' }],
    ['the future', { from: new Date(1), before: new Date('2026-11-21T12:00:01Z') }],
  ])('%s is a RangeError', async (_, issued) => {
    await expect(fleet.revokeAll({ issued } as RevokeAllQuery)).rejects.toBeInstanceOf(RangeError)
  })

  it('a reason that is none', async () => {
    await fleet.enroll('sensor-1', { owner: 'alice' })
    await expect(fleet.revokeAll({ owner: 'alice' }, { reason: 'removeFromCRL' })).rejects.toBeInstanceOf(TypeError)
    expect((await fleet.device('sensor-1'))?.status).toBe('active')
  })

  it('a cursor of another query or reason, or none of ours, ends nothing', async () => {
    const alices = await fill(300, () => ({ owner: 'alice' }))
    let cursor = ''
    const stop = new Error('enough')
    const onPage = (page: RevokedPage): void => {
      cursor = page.cursor!
      throw stop
    }
    await expect(fleet.revokeAll({ owner: 'alice' }, {}, { onPage })).rejects.toBe(stop)
    const digest = cursor.slice(0, cursor.indexOf(':') + 1)
    const tries: [RevokeAllQuery, 'superseded' | 'unspecified', unknown][] = [
      [{ owner: 'bob' }, 'unspecified', cursor],
      [{ owner: 'alice' }, 'superseded', cursor],
      [{ deviceIds: ['sensor-1'] }, 'unspecified', cursor],
    ]
    const bad = ['0', 'x', `${digest}x`, digest, `${digest}-1`, `${digest}1.5`, `${digest}999999999999999`, 7, {}, null]
    for (const after of [...bad, `${digest}${'9'.repeat(300)}`]) tries.push([{ owner: 'alice' }, 'unspecified', after])
    for (const [query, reason, after] of tries) {
      await expect(fleet.revokeAll(query, { reason }, { after: after as string })).rejects.toMatchObject({
        code: 'ERR_PKI_CURSOR',
      })
    }
    expect(await revokedOf(alices)).toBe(256)
    expect((await fleet.revokeAll({ owner: 'alice' }, {}, { after: cursor })).certificates).toBe(44)
  })

  it('a place beyond the end of a list of devices', async () => {
    const deviceIds = Array.from({ length: 257 }, (_, index) => `sensor-${index}`)
    let cursor = ''
    const onPage = (page: RevokedPage): void => {
      cursor = page.cursor ?? cursor
    }
    await fleet.revokeAll({ deviceIds }, {}, { onPage })
    const prefix = cursor.slice(0, cursor.indexOf(':') + 1)
    expect(cursor).toBe(`${prefix}256`)
    for (const place of ['257', '0', '-1', '1e2', '01', ' 1']) {
      await expect(fleet.revokeAll({ deviceIds }, {}, { after: prefix + place })).rejects.toMatchObject({
        code: 'ERR_PKI_CURSOR',
      })
    }
  })
})
