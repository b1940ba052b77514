import { type Fleet, memoryStore, openFleet } from '@fleetcert/core'
import { parseCertificate } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { type CrlBench, crlBench, publish, readCrl, recordOf } from './crl-fleet.ts'

let bench: CrlBench
beforeEach(() => {
  bench = crlBench()
})

interface Placed {
  readonly deviceId: string
  readonly serialNumber: string
  readonly shard: number
  readonly urls: readonly string[] | undefined
}

async function enrollMany(fleet: Fleet, prefix: string, count: number): Promise<Placed[]> {
  const placed: Placed[] = []
  for (let index = 0; index < count; index++) {
    const deviceId = `${prefix}-${index}`
    const { certificate, fingerprint, serialNumber } = await fleet.enroll(deviceId)
    const { shard } = await recordOf(bench.store, fingerprint)
    placed.push({ deviceId, serialNumber, shard, urls: parseCertificate(certificate).crlDistributionPoints })
  }
  return placed
}

describe('shards', () => {
  it('each certificate names the CRL that lists it, octet for octet, and no other lists it', async () => {
    await using fleet = await bench.open({ publish: { ...publish, crl: 'pemFirst' }, crl: { shards: 4 } })
    const placed = await enrollMany(fleet, 'sensor', 24)
    expect(new Set(placed.map(({ shard }) => shard)).size).toBeGreaterThan(1)
    for (const { deviceId } of placed) await fleet.revoke(deviceId, { reason: 'superseded' })
    for (let shard = 0; shard < 4; shard++) {
      const crl = await readCrl(fleet, { shard })
      const here = placed.filter(each => each.shard === shard)
      expect(new Set(Object.keys(crl.reasons))).toEqual(new Set(here.map(({ serialNumber }) => serialNumber)))
      for (const { urls } of here) {
        expect(urls).toHaveLength(2)
        expect(crl.issuingDistributionPoint).toMatchObject({ urls, onlyContainsUserCerts: false })
      }
    }
    await expect(fleet.crl({ shard: 4 })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    for (const shard of [-1, 0.5, Number.NaN]) {
      await expect(fleet.crl({ shard })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    }
  })

  it('renewals and servers are spread, too, and the root has one CRL', async () => {
    await using fleet = await bench.open({ publish, crl: { shards: 1024 } })
    await fleet.enroll('sensor-1')
    const renewed = await fleet.renew('sensor-1')
    const server = await fleet.issueServer({ hosts: ['broker.example'] })
    for (const { certificate, fingerprint, issuerKeyId } of [renewed, server]) {
      const { shard } = await recordOf(bench.store, fingerprint)
      const url = `http://pki.example/crl/${issuerKeyId.slice(0, 16)}-${shard}.crl`
      expect(parseCertificate(certificate).crlDistributionPoints).toEqual([url])
    }
    for await (const { role, issuerKeyId } of fleet.issuers()) {
      if (role !== 'root') continue
      expect((await readCrl(fleet, { issuerKeyId })).issuingDistributionPoint).toMatchObject({
        onlyContainsCACerts: true,
      })
      await expect(fleet.crl({ issuerKeyId, shard: 1 })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
    }
  })

  it('stay published when their number is raised or lowered', async () => {
    const before = await bench.open({ publish })
    const first = await enrollMany(before, 'first', 3)
    await before.close()
    const raised = await bench.open({ publish, crl: { shards: 3 } })
    const second = await enrollMany(raised, 'second', 12)
    await raised.close()
    await using fleet = await bench.open({ publish, crl: { shards: 1 } })
    const third = await enrollMany(fleet, 'third', 4)
    expect(new Set([...first, ...third].map(({ shard }) => shard))).toEqual(new Set([0]))
    const all = [...first, ...second, ...third]
    for (const { deviceId } of all) await fleet.revoke(deviceId)
    for (const { shard, serialNumber, urls } of all) {
      const crl = await readCrl(fleet, { shard })
      expect(crl.reasons).toHaveProperty(serialNumber)
      expect(crl.issuingDistributionPoint?.urls).toEqual(urls)
    }
    await expect(fleet.crl({ shard: 3 })).rejects.toMatchObject({ code: 'ERR_PKI_CRL_UNKNOWN' })
  })

  it('name every place that certificates name, when the base URL changes', async () => {
    const before = await bench.open({ publish, crl: { shards: 2 } })
    const old = await enrollMany(before, 'old', 4)
    await before.close()
    await using fleet = await bench.open({ publish: { baseUrl: 'http://new.example' }, crl: { shards: 2 } })
    const fresh = await enrollMany(fleet, 'new', 4)
    for (const { shard, urls } of [...old, ...fresh]) {
      const named = (await readCrl(fleet, { shard })).issuingDistributionPoint?.urls
      expect(named).toHaveLength(2)
      expect(named).toEqual(expect.arrayContaining([...(urls ?? ['nowhere'])]))
    }
  })

  it('are refused where a certificate would name none, and its CRL would claim to be complete', async () => {
    const code = { code: 'ERR_PKI_CRL_SHARDS' }
    const without = await bench.open()
    await without.enroll('sensor-1')
    await without.close()
    await expect(bench.open({ publish, crl: { shards: 2 } })).rejects.toMatchObject(code)
    await using stays = await bench.open({ publish })
    expect((await readCrl(stays)).issuingDistributionPoint).toMatchObject({ urls: [], onlyContainsUserCerts: true })

    bench = crlBench()
    await (await bench.open({ publish, crl: { shards: 2 } })).close()
    await expect(bench.open()).rejects.toMatchObject(code)
    await (await bench.open({ publish })).close()
  })

  it('are a whole number from 1 to 1,024, and need publish', async () => {
    const open = (shards: number) =>
      openFleet({ store: memoryStore(), keyring: bench.keyring, publish, crl: { shards }, background: false })
    for (const shards of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1025, 2 ** 32, '2' as never]) {
      await expect(open(shards)).rejects.toThrow(RangeError)
    }
    await expect(bench.open({ crl: { shards: 2 } })).rejects.toThrow(TypeError)
    await expect(bench.open({ crl: { delta: true } })).rejects.toThrow(TypeError)
  })
})
