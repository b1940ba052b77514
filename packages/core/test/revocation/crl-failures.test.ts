import { type Fleet, type FleetWarning, type Keyring, PkiError, type Signer, type Store } from '@fleetcert/core'
import { encodeRevokedEntries } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { type CrlBench, changedStore, crlBench, publish, readCrl } from './crl-fleet.ts'

let bench: CrlBench
let warnings: FleetWarning[]
beforeEach(() => {
  bench = crlBench()
  warnings = []
})
const onWarning = (warning: FleetWarning): void => void warnings.push(warning)
/** A fleet over the bench's store with some methods changed. */
const openWith = (changes: Partial<Store>, keyring: Keyring = bench.keyring): Promise<Fleet> =>
  bench.open({ store: changedStore(bench.store, { close: async () => {}, ...changes }), keyring, onWarning })

async function revoked(fleet: Fleet, ...deviceIds: string[]): Promise<string[]> {
  const serials: string[] = []
  for (const deviceId of deviceIds) {
    serials.push((await fleet.enroll(deviceId)).serialNumber)
    await fleet.revoke(deviceId)
  }
  return serials
}

/** With a signer that `sign` stands in for, once `isOn`. */
function brokenKeyring(keyring: Keyring, isOn: () => boolean, sign: (signer: Signer) => Signer['sign']): Keyring {
  return {
    create: (name, algorithm) => keyring.create(name, algorithm),
    list: () => keyring.list(),
    delete: name => keyring.delete(name),
    async open(name) {
      const signer = await keyring.open(name)
      if (signer === undefined) return undefined
      const { algorithm, publicKey } = signer
      return {
        algorithm,
        publicKey,
        sign: (message, options) => (isOn() ? sign(signer)(message, options) : signer.sign(message, options)),
      }
    },
  }
}

describe('where no new CRL can be made, the last one that holds is the answer, and says so', () => {
  const cases: Record<string, () => Promise<{ fleet: Fleet; fail: () => void; mend: () => void; code: string }>> = {
    async 'the signer fails'() {
      let isOn = false
      const keyring = brokenKeyring(
        bench.keyring,
        () => isOn,
        () => async () => Promise.reject(new Error('removed')),
      )
      const fleet = await openWith({}, keyring)
      return { fleet, fail: () => (isOn = true), mend: () => (isOn = false), code: 'ERR_PKI_SIGNER' }
    },
    async 'the signer signs something else'() {
      let isOn = false
      const keyring = brokenKeyring(
        bench.keyring,
        () => isOn,
        signer => () => signer.sign(new Uint8Array(9)),
      )
      const fleet = await openWith({}, keyring)
      return { fleet, fail: () => (isOn = true), mend: () => (isOn = false), code: 'ERR_PKI_SIGNER' }
    },
    async 'the store fails between two pages'() {
      let isOn = false
      const fleet = await openWith({
        async crlEntries(scope, query, page, io) {
          if (isOn && page.after !== undefined) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'gone' })
          return bench.store.crlEntries(scope, query, { ...page, limit: 1 }, io)
        },
      })
      return { fleet, fail: () => (isOn = true), mend: () => (isOn = false), code: 'ERR_PKI_STORE_UNAVAILABLE' }
    },
    async 'the store does not take it'() {
      let isOn = false
      const fleet = await openWith({
        async putCrl(...args) {
          if (isOn) throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'full' })
          return bench.store.putCrl(...args)
        },
      })
      return { fleet, fail: () => (isOn = true), mend: () => (isOn = false), code: 'ERR_PKI_STORE_UNAVAILABLE' }
    },
    async 'a process that died holds the lease'() {
      const fleet = await openWith({})
      let name = ''
      for await (const { issuerKeyId, role } of fleet.issuers()) if (role === 'issuingCa') name = `crl-${issuerKeyId}-0`
      return {
        fleet,
        fail: () => void bench.store.lease(name, 'the dead', 60),
        mend: () => bench.later(61),
        code: 'ERR_PKI_STORE_UNAVAILABLE',
      }
    },
  }
  it.each(Object.entries(cases))('%s', async (_, prepare) => {
    const { fleet, fail, mend, code } = await prepare()
    const [first, second] = await revoked(fleet, 'sensor-1', 'sensor-2')
    const last = await fleet.crl()
    expect(last.upToDate).toBe(true)
    await fleet.enroll('sensor-3')
    const { certificates } = await fleet.revoke('sensor-3')
    fail()
    const answer = await fleet.crl()
    expect(answer.upToDate).toBe(false)
    expect(answer).toMatchObject({ crlNumber: last.crlNumber, thisUpdate: last.thisUpdate, delta: false, shard: 0 })
    expect(answer.der).toEqual(last.der)
    expect(answer.pem).toBe(last.pem)
    expect(answer.parts).toEqual(last.parts)
    expect(warnings).toMatchObject([{ type: 'crlOutdated', shard: 0, error: { code } }])
    mend()
    const next = await readCrl(fleet)
    expect(Object.keys(next.reasons)).toEqual([first, second, certificates[0]?.serialNumber])
    expect(next.crlNumber).toBeGreaterThan(last.crlNumber)
    await fleet.close()
  })

  it('and where it has ended, or there is none, the reason', async () => {
    let isOn = false
    const keyring = brokenKeyring(
      bench.keyring,
      () => isOn,
      () => async () => Promise.reject(new Error('removed')),
    )
    await using fleet = await openWith({}, keyring)
    isOn = true
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
    isOn = false
    const { nextUpdate } = await fleet.crl()
    isOn = true
    bench.now = new Date(nextUpdate.getTime() - 1000)
    expect(await fleet.crl()).toMatchObject({ upToDate: false })
    bench.now = nextUpdate
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_SIGNER' })
  })

  it('a key that is away is one of them', async () => {
    const before = await bench.open()
    await before.crl()
    await revoked(before, 'sensor-1')
    await before.close()
    await bench.keyring.delete('ca')
    await using fleet = await openWith({})
    expect(await fleet.crl()).toMatchObject({ crlNumber: 1n, upToDate: false })
    expect(warnings).toMatchObject([{ type: 'crlOutdated', error: { code: 'ERR_PKI_KEY_MISSING' } }])
  })
})

describe('a CRL that would take something back is not published', () => {
  const entriesWithout = (lost: (serialNumber: string) => boolean): Partial<Store> => ({
    async crlEntries(scope, query, page, io) {
      const { items } = await bench.store.revoked(scope, { limit: 1000 }, io)
      const kept = items.filter(({ serialNumber }) => !lost(serialNumber))
      return { ...(await bench.store.crlEntries(scope, query, page, io)), entries: encodeRevokedEntries(kept) }
    },
  })
  const refused = async (fleet: Fleet, details: object): Promise<void> => {
    const last = (await bench.store.crlState({ issuerKeyId: (await fleet.crl()).issuerKeyId, shard: 0 })).full
    expect(warnings.at(-1)).toMatchObject({ error: { code: 'ERR_PKI_CRL_CHECK', details } })
    const again = await fleet.crl()
    expect(again).toMatchObject({ upToDate: false, crlNumber: last?.crlNumber })
  }

  it.each([0, 1, 2])('a store that omits the revoked certificate %i', async place => {
    const before = await bench.open()
    const serials = await revoked(before, 'sensor-0', 'sensor-1', 'sensor-2')
    await before.crl()
    await revoked(before, 'sensor-3')
    await before.close()
    await using fleet = await openWith(entriesWithout(serialNumber => serialNumber === serials[place]))
    await refused(fleet, { shard: 0, serialNumber: serials[place] })
  })

  it('a store that has lost the row', async () => {
    const before = await bench.open()
    const [, serial] = await revoked(before, 'sensor-0', 'sensor-1')
    await before.crl()
    await revoked(before, 'sensor-2')
    await before.close()
    await using fleet = await openWith({
      ...entriesWithout(serialNumber => serialNumber === serial),
      certificate: async (key, io) =>
        'serialNumber' in key && key.serialNumber === serial ? undefined : bench.store.certificate(key, io),
    })
    await refused(fleet, { serialNumber: serial, reason: 'a certificate that the last one lists is not on record' })
  })

  it('a store whose numbers were turned back', async () => {
    const before = await bench.open()
    await revoked(before, 'sensor-0')
    await before.crl()
    await revoked(before, 'sensor-1')
    await before.close()
    await using fleet = await openWith({ nextCrlNumber: async () => 1n })
    await refused(fleet, { reason: 'its number is not greater than the last one' })
  })

  it('what was released or has ended may go, among many that stay', async () => {
    await using fleet = await bench.open()
    await revoked(fleet, 'sensor-0', 'sensor-1')
    const { fingerprint } = await fleet.enroll('held')
    await fleet.revoke({ fingerprint }, { reason: 'certificateHold' })
    await fleet.enroll('short', { validitySeconds: 3600 })
    await fleet.revoke('short')
    const last = await revoked(fleet, 'sensor-2')
    expect((await readCrl(fleet)).entries).toHaveLength(5)
    bench.later(86_400)
    await fleet.release('held')
    const shown = await readCrl(fleet)
    expect(shown.entries).toHaveLength(4)
    bench.later(7 * 86_400)
    const { entries } = await readCrl(fleet)
    expect(entries).toHaveLength(3)
    expect(entries.at(-1)?.serialNumber).toBe(last[0])
  })
})

describe('the clock', () => {
  it('behind the last CRL: no CRL at all, for nobody could say whether it holds', async () => {
    await using fleet = await bench.open()
    await revoked(fleet, 'sensor-1')
    await fleet.crl()
    bench.later(-3600)
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
  })

  it("another process's, a little behind: the next CRL is not older than the last", async () => {
    await using fleet = await bench.open()
    const { thisUpdate } = await fleet.crl()
    await revoked(fleet, 'sensor-1')
    bench.later(-3)
    const next = await fleet.crl()
    expect(next).toMatchObject({ upToDate: true, crlNumber: 2n, thisUpdate })
  })
})

describe('many processes', () => {
  it('one of them builds, the others take its CRL', async () => {
    const fleets = await Promise.all([bench.open(), bench.open(), bench.open()])
    await revoked(fleets[0]!, 'sensor-1')
    const crls = await Promise.all(fleets.map(fleet => fleet.crl()))
    expect(crls.map(({ crlNumber }) => crlNumber)).toEqual([1n, 1n, 1n])
    for (const { der } of crls) expect(der).toEqual(crls[0]!.der)
    for (const fleet of fleets) await fleet.close()
  })

  it('one whose lease was taken in between publishes nothing', async () => {
    let isOn = false
    await using fleet = await openWith({
      async nextCrlNumber(scope, io) {
        const number = await bench.store.nextCrlNumber(scope, io)
        if (!isOn) return number
        isOn = false
        // The lease runs out, and somebody else publishes.
        bench.later(61)
        await using other = await bench.open()
        await other.crl()
        return number
      },
    })
    await revoked(fleet, 'sensor-1')
    isOn = true
    const crl = await fleet.crl()
    expect(crl).toMatchObject({ upToDate: true, crlNumber: 2n })
    const numbers: unknown[] = []
    for await (const { type, details } of fleet.events({ follow: false })) {
      if (type === 'crlPublished' && details?.['issuerKeyId'] === crl.issuerKeyId) numbers.push(details['crlNumber'])
    }
    expect(numbers).toEqual(['2'])
  })
})

describe('giving up', () => {
  it('ends the waiting and not the work', async () => {
    let waiting: Promise<void> | undefined
    const { promise, resolve: proceed } = Promise.withResolvers<void>()
    await using fleet = await openWith({
      async crlEntries(...args) {
        await waiting
        return bench.store.crlEntries(...args)
      },
    })
    await revoked(fleet, 'sensor-1')
    waiting = promise
    const controller = new AbortController()
    const patient = fleet.crl()
    const asked = fleet.crl({}, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
    await expect(fleet.crl({}, { signal: controller.signal })).rejects.toBe(reason)
    proceed()
    expect((await patient).crlNumber).toBe(1n)
  })

  it('closing the fleet ends what is being built', async () => {
    let fleet: Fleet | undefined
    const opened = await openWith({
      async crlEntries(scope, query, page, io) {
        void fleet?.close()
        return { ...(await bench.store.crlEntries(scope, query, page, io)), ...(fleet && { next: '1.0.1' }) }
      },
    })
    fleet = opened
    await revoked(fleet, 'sensor-1')
    await expect(fleet.crl()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })
})

it('a stored CRL whose note is not understood is made anew, and nothing is left out', async () => {
  const before = await bench.open({ publish })
  await before.enroll('short', { validitySeconds: 3600 })
  await before.revoke('short')
  await before.crl()
  bench.later(2 * 86_400)
  const { issuerKeyId } = await before.crl()
  await before.close()
  const scope = { issuerKeyId, shard: 0 }
  for (const note of [undefined, 'x', '{}', '{"position":"999","settings":1}', '{"position":5,"settings":"1"}']) {
    const last = (await bench.store.crl(scope))!
    const { note: _, ...bare } = last
    const replaced = { ...bare, crlNumber: last.crlNumber + 1n, ...(note !== undefined && { note }) }
    expect(await bench.store.putCrl(scope, replaced, undefined, [])).toBe(true)
    await using fleet = await bench.open({ publish })
    const crl = await readCrl(fleet)
    expect(crl.crlNumber).toBe(last.crlNumber + 2n)
    expect(crl.entries).toHaveLength(1)
  }
})
