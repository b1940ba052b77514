import type { Fleet } from '@fleetcert/core'
import { extensionOids } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { type CrlBench, crlBench, publish, readCrl } from './crl-fleet.ts'

let bench: CrlBench
let fleet: Fleet
beforeEach(async () => {
  bench = crlBench()
  fleet = await bench.open({ publish, crl: { delta: true } })
  return () => fleet.close()
})
const enrolled = async (...deviceIds: string[]): Promise<string[]> => {
  const serials: string[] = []
  for (const deviceId of deviceIds) serials.push((await fleet.enroll(deviceId)).serialNumber)
  return serials
}

describe('delta CRLs', () => {
  it('say what has changed since the base: revoked, held, released, another reason', async () => {
    const [stays, held, lifted, worse, fresh] = await enrolled('stays', 'held', 'lifted', 'worse', 'fresh')
    await fleet.revoke('stays')
    await fleet.revoke('held', { reason: 'certificateHold' })
    await fleet.revoke('lifted', { reason: 'certificateHold' })
    await fleet.revoke('worse', { reason: 'superseded' })
    const base = await readCrl(fleet)
    expect(Object.keys(base.reasons)).toHaveLength(4)
    bench.later(60)
    await fleet.revoke('held', { reason: 'cessationOfOperation' })
    await fleet.release('lifted')
    await fleet.revoke('worse', { reason: 'keyCompromise' })
    await fleet.revoke('fresh')
    const delta = await readCrl(fleet, { delta: true })
    expect(delta.reasons).toEqual({
      [held!]: 'cessationOfOperation',
      [lifted!]: 'removeFromCRL',
      [worse!]: 'keyCompromise',
      [fresh!]: 'unspecified',
    })
    expect(delta.baseCrlNumber).toBe(base.crlNumber)
    expect((await readCrl(fleet)).reasons).toEqual({
      [stays!]: 'unspecified',
      [held!]: 'cessationOfOperation',
      [worse!]: 'keyCompromise',
      [fresh!]: 'unspecified',
    })
  })

  it('have the number, time, issuer and scope of the full one made with them, which alone names them', async () => {
    await enrolled('sensor-1')
    for (const change of [() => fleet.crl(), () => fleet.revoke('sensor-1'), () => bench.later(86_400)]) {
      await change()
      const full = await readCrl(fleet)
      const delta = await readCrl(fleet, { delta: true })
      expect(delta.crlNumber).toBe(full.crlNumber)
      expect(delta.thisUpdate).toEqual(full.thisUpdate)
      expect(delta.issuerDer).toEqual(full.issuerDer)
      expect(delta.authorityKeyIdentifier).toEqual(full.authorityKeyIdentifier)
      expect(delta.issuingDistributionPoint).toEqual(full.issuingDistributionPoint)
      const keyId = (await fleet.crl()).issuerKeyId.slice(0, 16)
      expect(full.freshestCrl).toEqual([`http://pki.example/crl/${keyId}-0-delta.crl`])
      expect(full.baseCrlNumber).toBeUndefined()
      expect(delta.freshestCrl).toBeUndefined()
      const indicator = delta.extensions.find(({ oid }) => oid === extensionOids.deltaCrlIndicator)
      expect(indicator?.critical).toBe(true)
    }
  })

  it('start from the oldest full CRL that somebody may still hold', async () => {
    const devices = Array.from({ length: 12 }, (_, index) => `sensor-${index}`)
    const serials = await enrolled(...devices)
    const fulls: { number: bigint; nextUpdate: Date; reasons: Readonly<Record<string, string>> }[] = []
    for (const deviceId of devices) {
      await fleet.revoke(deviceId)
      const full = await readCrl(fleet)
      const delta = await readCrl(fleet, { delta: true })
      for (const held of fulls.filter(({ nextUpdate }) => nextUpdate > bench.now)) {
        // RFC 5280 section 5.2.4 (c): "the CRL number of the complete CRL is equal to or greater than the BaseCRLNumber specified in the delta CRL".
        expect(delta.baseCrlNumber).toBeLessThanOrEqual(held.number)
        expect({ ...held.reasons, ...delta.reasons }).toEqual(full.reasons)
      }
      fulls.push({ number: full.crlNumber!, nextUpdate: full.nextUpdate!, reasons: full.reasons })
      bench.later(86_400)
    }
    const delta = await readCrl(fleet, { delta: true })
    expect(Object.keys(delta.reasons).length).toBeLessThan(serials.length)
    expect(delta.baseCrlNumber).toBeGreaterThan(1n)
  })

  it('are made anew when they age, together with the full one', async () => {
    const before = await fleet.crl({ delta: true })
    expect(before.nextUpdate.getTime() - before.thisUpdate.getTime()).toBe(86_400_000)
    bench.later(43_000)
    expect((await fleet.crl({ delta: true })).crlNumber).toBe(before.crlNumber)
    bench.later(400)
    expect((await fleet.crl({ delta: true })).crlNumber).toBe(before.crlNumber + 1n)
    expect((await fleet.crl()).crlNumber).toBe(before.crlNumber + 1n)
  })

  it('keep what was revoked after the base until a full one has shown it, expired or not', async () => {
    await fleet.crl()
    const { serialNumber } = await fleet.enroll('sensor-1', { validitySeconds: 3600 })
    await fleet.revoke('sensor-1')
    bench.later(2 * 3600)
    expect((await readCrl(fleet, { delta: true })).reasons).toHaveProperty(serialNumber)
    expect((await readCrl(fleet)).reasons).toHaveProperty(serialNumber)
    // Shown after its end: no longer in either.
    bench.later(86_400)
    expect((await readCrl(fleet)).reasons).not.toHaveProperty(serialNumber)
    expect((await readCrl(fleet, { delta: true })).reasons).not.toHaveProperty(serialNumber)
  })

  it('are off by default, and not named then; switched on and off, the full one follows', async () => {
    const number = (await fleet.crl()).crlNumber
    await fleet.close()
    const off = await bench.open({ publish })
    await expect(off.crl({ delta: true })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    const full = await readCrl(off)
    expect(full.crlNumber).toBe(number + 1n)
    expect(full.freshestCrl).toBeUndefined()
    await off.close()
    fleet = await bench.open({ publish, crl: { delta: { validitySeconds: 3600 } } })
    const delta = await readCrl(fleet, { delta: true })
    expect(delta).toMatchObject({ crlNumber: number + 2n, baseCrlNumber: number + 1n })
    expect(delta.nextUpdate!.getTime() - delta.thisUpdate.getTime()).toBe(3_600_000)
    expect((await readCrl(fleet)).freshestCrl).toHaveLength(1)
    for await (const { role, issuerKeyId } of fleet.issuers()) {
      const asked = fleet.crl({ issuerKeyId, delta: true })
      if (role === 'root') await expect(asked).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    }
  })

  it('last no longer than the full one', async () => {
    for (const delta of ['yes', 1, null] as never[]) {
      await expect(bench.open({ publish, crl: { delta } })).rejects.toThrow(TypeError)
    }
    for (const validitySeconds of [0, Number.NaN, 7 * 86_400 + 1]) {
      await expect(bench.open({ publish, crl: { delta: { validitySeconds } } })).rejects.toThrow(RangeError)
    }
    await using brief = await bench.open({ publish, crl: { validitySeconds: 3600, delta: true } })
    const [full, delta] = [await brief.crl(), await brief.crl({ delta: true })]
    expect(delta.nextUpdate).toEqual(full.nextUpdate)
  })

  it('are told apart in the ledger', async () => {
    await fleet.crl()
    const published: unknown[] = []
    for await (const { type, details } of fleet.events({ follow: false })) {
      const issuer = (await fleet.crl()).issuerKeyId
      if (type === 'crlPublished' && details?.['issuerKeyId'] === issuer) {
        published.push([details?.['crlNumber'], details?.['delta']])
      }
    }
    expect(published).toEqual([
      ['1', undefined],
      ['1', true],
    ])
  })
})
