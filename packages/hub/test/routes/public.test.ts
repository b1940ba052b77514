import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCertificate, parseCrl } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasOpenssl, openssl } from '../support/openssl.ts'
import { certificates, collect, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let issuingCa: string
let root: string
beforeAll(async () => {
  hub = await openTestHub({ open: { publish: { baseUrl: 'http://pki.example' } } })
  const issuers = await collect(hub.fleet.issuers())
  issuingCa = issuers.find(({ role }) => role === 'issuingCa')!.issuerKeyId.slice(0, 16)
  root = issuers.find(({ role }) => role === 'root')!.issuerKeyId.slice(0, 16)
})
afterAll(() => hub.fleet.close())

/** Bytes, for the files are not text. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await hub.hub(new Request(`http://hub.example${path}`, { method, headers }))
  return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
}

test('health is ok without a token, and probes once for many that ask at the same time', async () => {
  let probes = 0
  const { device } = hub.fleet
  hub.fleet.device = (...args) => {
    probes += 1
    return device.apply(hub.fleet, args)
  }
  const replies = await Promise.all(
    ['/api/health', '/api/health/logging', '/api/health'].map(path => hub.call('GET', path, { headers: {} })),
  )
  hub.fleet.device = device
  for (const { status, json } of replies) {
    expect(status).toBe(200)
    expect(json).toEqual({ status: 'ok', fleet: 'ready' })
  }
  expect(probes).toBe(1)
})

test('the CA certificate is the issuing CA, then the root', async () => {
  const { status, json } = await hub.call('GET', `${certificates}/ca/certificate`, { headers: {} })
  expect(status).toBe(200)
  const enrolled = await hub.call('POST', `${certificates}/ca-reader`)
  expect(json).toEqual({ caCert: enrolled.json.caCert })
})

describe('CRL files', () => {
  test('DER and PEM of one CRL, for each CA', async () => {
    for (const issuer of [issuingCa, root]) {
      const der = await get(`/crl/${issuer}-0.crl`)
      const pem = await get(`/crl/${issuer}-0.pem`)
      expect(der.status).toBe(200)
      expect(der.headers.get('content-type')).toBe('application/pkix-crl')
      expect(pem.headers.get('content-type')).toBe('application/x-pem-file')
      const text = Buffer.from(pem.bytes).toString()
      expect(text).toMatch(/^-----BEGIN X509 CRL-----\n/)
      expect(Buffer.from(parseCrl(text).der)).toEqual(Buffer.from(der.bytes))
      expect(der.headers.get('etag')).toBe(`"${createHash('sha256').update(der.bytes).digest('hex')}"`)
      expect(pem.headers.get('etag')).toBe(`"${createHash('sha256').update(pem.bytes).digest('hex')}"`)
      expect(der.headers.get('last-modified')).toBe(parseCrl(der.bytes).thisUpdate.toUTCString())
      expect(der.headers.get('cache-control')).toBe('public, max-age=60')
    }
  })

  test('are at the address that certificates name', async () => {
    const { json } = await hub.call('POST', `${certificates}/crl-reader`)
    const certificate = parseCertificate((json.clientCert as string).split(/(?<=-----END CERTIFICATE-----\n)/)[0]!)
    const [url] = certificate.crlDistributionPoints!
    const [caIssuers] = certificate.authorityInfoAccess!.caIssuers
    expect(url).toBe(`http://pki.example/crl/${issuingCa}-0.crl`)
    expect((await get(new URL(url!).pathname)).status).toBe(200)
    expect((await get(new URL(caIssuers!).pathname)).status).toBe(200)
  })

  test('a revocation is in the next answer, under another ETag', async () => {
    const { json } = await hub.call('POST', `${certificates}/crl-revoked`)
    const before = await get(`/crl/${issuingCa}-0.crl`)
    await hub.call('DELETE', `${certificates}/crl-revoked`)
    const etag = before.headers.get('etag')!
    const after = await get(`/crl/${issuingCa}-0.crl`, {
      'if-none-match': etag,
      'if-modified-since': new Date(Date.now() + 60_000).toUTCString(),
    })
    expect(after.status).toBe(200)
    expect(after.headers.get('etag')).not.toBe(etag)
    expect(parseCrl(after.bytes).entries.map(entry => entry.serialNumber)).toContain(json.serialNumber)
  })

  test('304 for those who have it', async () => {
    const path = `/crl/${issuingCa}-0.crl`
    const { headers } = await get(path)
    const etag = headers.get('etag')!
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const reply = await get(path, { 'if-none-match': value })
      expect(reply.status).toBe(304)
      expect(reply.bytes).toHaveLength(0)
      expect(reply.headers.get('etag')).toBe(etag)
      expect(reply.headers.get('cache-control')).toBe('public, max-age=60')
    }
    for (const value of ['"x"', etag.slice(1, -1), etag.toUpperCase()]) {
      expect((await get(path, { 'if-none-match': value })).status).toBe(200)
    }
  })

  test('HEAD has the headers alone', async () => {
    const reply = await get(`/crl/${issuingCa}-0.crl`, {}, 'HEAD')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/)
    expect(reply.bytes).toHaveLength(0)
  })

  test('nobody keeps one longer than it is valid', async () => {
    const short = await openTestHub({ open: { crl: { validitySeconds: 100, overlapSeconds: 1 } } })
    const issuer = (await collect(short.fleet.issuers())).find(({ role }) => role === 'issuingCa')
    const reply = await short.call('GET', `/crl/${issuer!.issuerKeyId.slice(0, 16)}-0.crl`)
    const maxAge = Number(/max-age=(\d+)$/.exec(reply.headers.get('cache-control')!)![1])
    expect(maxAge).toBeLessThanOrEqual(100)
    await short.fleet.close()
  })

  test('others are 404', async () => {
    for (const name of [
      'ffffffffffffffff-0.crl',
      `${issuingCa}-1.crl`,
      `${issuingCa}-00.crl`,
      `${issuingCa}-0.der`,
      `${issuingCa}-0.CRL`,
      `${issuingCa}.crl`,
      `${issuingCa.toUpperCase()}X-0.crl`,
      `${issuingCa}-0.crl%00`,
      `%2E%2E%2F${issuingCa}-0.crl`,
      `${issuingCa}-99999999999999999999.crl`,
    ]) {
      const { status, json } = await hub.call('GET', `/crl/${name}`, { headers: {} })
      expect(status).toBe(404)
      expect(json.error.code).toMatch(/^ERR_PKI_(NOT_FOUND|ISSUER_UNKNOWN|CRL_UNKNOWN)$/)
    }
  })
})

describe('CA files', () => {
  test('DER of each CA, 304 for those who have it', async () => {
    for await (const { issuerKeyId, certificate } of hub.fleet.issuers()) {
      const path = `/ca/${issuerKeyId.slice(0, 16)}.cer`
      const reply = await get(path)
      expect(reply.status).toBe(200)
      expect(reply.headers.get('content-type')).toBe('application/pkix-cert')
      expect(Buffer.from(reply.bytes)).toEqual(Buffer.from(parseCertificate(certificate).der))
      const etag = reply.headers.get('etag')!
      expect((await get(path, { 'if-none-match': etag })).status).toBe(304)
    }
  })

  test('others are 404', async () => {
    for (const name of [
      'ffffffffffffffff.cer',
      `${issuingCa}.crt`,
      `${issuingCa}.cer.cer`,
      `${issuingCa.slice(1)}.cer`,
    ]) {
      expect((await hub.call('GET', `/ca/${name}`, { headers: {} })).json.error.code).toBe('ERR_PKI_NOT_FOUND')
    }
  })
})

test.skipIf(!hasOpenssl)(
  `openssl takes what the hub serves, and refuses the device once it is revoked${hasOpenssl ? '' : ' (no openssl on PATH)'}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hub-'))
    try {
      const path = (name: string): string => join(folder, name)
      const csr = openssl([
        ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=ignored'],
        ...['-keyout', path('key.pem')],
      ])
      const { json } = await hub.call('POST', `${certificates}/judged`, { body: { csr } })
      writeFileSync(path('cert.pem'), json.clientCert)
      writeFileSync(path('ca.pem'), json.caCert)
      const verify = async (): Promise<string> => {
        writeFileSync(path('crl.der'), (await get(`/crl/${issuingCa}-0.crl`)).bytes)
        openssl(['crl', '-inform', 'DER', '-in', path('crl.der'), '-out', path('crl.pem')])
        const args = ['-x509_strict', '-crl_check', '-purpose', 'sslclient', '-CAfile', path('ca.pem')]
        return openssl(['verify', ...args, '-CRLfile', path('crl.pem'), path('cert.pem')])
      }
      expect(await verify()).toContain('OK')
      await hub.call('DELETE', `${certificates}/judged`)
      await expect(verify()).rejects.toThrow(/certificate revoked/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
