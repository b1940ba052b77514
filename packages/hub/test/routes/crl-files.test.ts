import { createServer } from 'node:http'
import { encodePem, parseCertificate, parseCrl, type SignedCrl } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { toNodeHandler } from '../../src/index.ts'
import { createCrlFiles } from '../../src/routes/public/crl-files.ts'
import { pemParts } from '../../src/routes/public/pem-parts.ts'
import { listen } from '../support/servers.ts'
import { certificates, collect, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let path: string
beforeEach(async () => {
  hub = await openTestHub()
  const issuer = (await collect(hub.fleet.issuers())).find(({ role }) => role === 'issuingCa')!
  path = `/crl/${issuer.issuerKeyId.slice(0, 16)}-0.crl`
})
afterEach(async () => {
  vi.restoreAllMocks()
  await hub.fleet.close()
})

async function get(target: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await hub.hub(new Request(`http://hub.example${target}`, { method, headers }))
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

/** At most 1 MiB each, as the fleet has them. */
function slicesOf(bytes: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; offset += 2 ** 20) slices.push(bytes.subarray(offset, offset + 2 ** 20))
  return slices
}

/** Puts other lists into the place of the fleet's own. */
function serve(next: () => Partial<SignedCrl> | Promise<Partial<SignedCrl>>): () => number {
  let calls = 0
  const { crl } = hub.fleet
  hub.fleet.crl = async (...args) => {
    calls += 1
    return { ...(await crl.apply(hub.fleet, args)), ...(await next()) }
  }
  return () => calls
}

describe('how long a cache may keep it', () => {
  test('a minute at most, and Expires says the same', async () => {
    const now = Date.UTC(2026, 0, 1)
    vi.spyOn(Date, 'now').mockReturnValue(now)
    for (const [leftSeconds, maxAge] of [
      [86_400, 60],
      [61, 60],
      [59.9, 59],
      [0, 0],
      [-3600, 0],
    ] as const) {
      serve(() => ({ nextUpdate: new Date(now + leftSeconds * 1000), thisUpdate: new Date(now - leftSeconds) }))
      const { headers } = await get(path)
      expect(headers.get('cache-control')).toBe(`public, max-age=${maxAge}`)
      expect(headers.get('expires')).toBe(new Date(now + maxAge * 1000).toUTCString())
    }
  })
})

describe('If-Modified-Since', () => {
  const since = async (headers: Headers): Promise<number> =>
    (await get(path, { 'if-modified-since': headers.get('last-modified')! })).status

  test('is 304 for the first list, and for one that followed another in a later second', async () => {
    const first = await get(path)
    expect(await since(first.headers)).toBe(304)
    const thisUpdate = new Date(Date.parse(first.headers.get('last-modified')!) + 1000)
    serve(() => ({ crlNumber: 2n, thisUpdate }))
    expect(await since(first.headers)).toBe(200)
    expect((await get(path, { 'if-modified-since': thisUpdate.toUTCString() })).status).toBe(304)
    // Any other date is one of the caller's own clock.
    const later = new Date(thisUpdate.getTime() + 3_600_000).toUTCString()
    expect((await get(path, { 'if-modified-since': later })).status).toBe(200)
    expect((await get(path, { 'if-modified-since': 'yesterday' })).status).toBe(200)
  })

  test('is not believed of two lists of one second, for the second of them holds a revocation', async () => {
    const first = await get(path)
    const { thisUpdate } = await hub.fleet.crl()
    serve(() => ({ crlNumber: 2n, thisUpdate }))
    expect(await since(first.headers)).toBe(200)
  })

  test('is not believed where another process may have served a list in between', async () => {
    const { thisUpdate } = await hub.fleet.crl()
    await get(path)
    serve(() => ({ crlNumber: 3n, thisUpdate: new Date(thisUpdate.getTime() + 5000) }))
    const { headers } = await get(path)
    expect(await since(headers)).toBe(200)
  })

  test('does not count beside If-None-Match', async () => {
    const { headers } = await get(path)
    const modified = { 'if-modified-since': headers.get('last-modified')!, 'if-none-match': '"another"' }
    expect((await get(path, modified)).status).toBe(200)
  })
})

test('every shard and its delta are where certificates and lists say', async () => {
  const many = await openTestHub({
    open: { publish: { baseUrl: 'http://pki.example' }, crl: { shards: 3, delta: true } },
  })
  const fetched = async (url: string) => {
    const response = await many.hub(new Request(url))
    expect(response.status, url).toBe(200)
    return parseCrl(new Uint8Array(await response.arrayBuffer()))
  }
  const urls = new Map<string, string[]>()
  for (let index = 0; index < 24; index += 1) {
    const { certificate, serialNumber } = await many.fleet.enroll(`d-${index}`)
    const [url] = parseCertificate(certificate).crlDistributionPoints!
    urls.set(url!, [...(urls.get(url!) ?? []), serialNumber])
    await many.fleet.revoke(`d-${index}`)
  }
  expect(urls.size).toBe(3)
  for (const [url, serialNumbers] of urls) {
    const full = await fetched(url)
    expect(full.issuingDistributionPoint?.urls).toEqual([url])
    expect(full.entries.map(entry => entry.serialNumber).sort()).toEqual(serialNumbers.sort())
    expect(full.freshestCrl).toEqual([url.replace('.crl', '-delta.crl')])
    const delta = await fetched(full.freshestCrl![0]!)
    expect(delta.baseCrlNumber).toBeLessThanOrEqual(full.crlNumber!)
    expect(delta.issuingDistributionPoint?.urls).toEqual([url])
    const pem = await many.hub(new Request(full.freshestCrl![0]!.replace('.crl', '.pem')))
    expect(Buffer.from(parseCrl(await pem.text()).der).equals(delta.der)).toBe(true)
  }
  const [url] = urls.keys()
  for (const name of [url!.replace(/-\d\.crl/, '-3.crl'), url!.replace(/-\d\.crl/, '-3-delta.crl')]) {
    expect((await many.hub(new Request(name))).status).toBe(404)
  }
  await many.fleet.close()
  // A fleet without deltas has none.
  expect((await get(path.replace('.crl', '-delta.crl'))).status).toBe(404)
})

test('HEAD says how long the list is, other methods are 405', async () => {
  const { bytes } = await get(path)
  const head = await get(path, {}, 'HEAD')
  expect(head.headers.get('content-length')).toBe(String(bytes.length))
  expect(head.bytes).toHaveLength(0)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const reply = await get(path, {}, method)
    expect(reply.status).toBe(405)
    expect(reply.headers.get('allow')).toBe('GET, HEAD')
  }
})

test('503 with Retry-After where none can be made', async () => {
  hub.breakStore(true)
  const reply = await get(path)
  expect(reply.status).toBe(503)
  expect(reply.headers.get('retry-after')).toMatch(/^([5-9]|1\d|20)$/)
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect(JSON.parse(reply.bytes.toString()).error.code).toBe('ERR_PKI_STORE_UNAVAILABLE')
  hub.breakStore(false)
  expect((await get(path)).status).toBe(200)
})

test('the parts of a PEM are those of encodePem, wherever they are cut', async () => {
  for (const size of [0, 1, 47, 48, 49, 786_431, 786_432, 786_433, 3_000_000]) {
    const der = Buffer.alloc(size, 'fleet')
    const parts = await pemParts('X509 CRL', slicesOf(der))
    expect(Buffer.concat(parts).toString() === (size === 0 ? pemOfNothing : encodePem('X509 CRL', der))).toBe(true)
  }
})
const pemOfNothing = '-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n'

describe('readers at the same time', () => {
  test('share look-ups, and nobody is given a list of before he asked', async () => {
    const { fleet } = hub
    let calls = 0
    const waiting: (() => void)[] = []
    const crl = fleet.crl.bind(fleet)
    const files = createCrlFiles({
      ...fleet,
      crl: async request => {
        calls += 1
        const list = await crl(request)
        await new Promise<void>(resolve => waiting.push(resolve))
        return list
      },
    } as typeof fleet)
    const scope = { issuerKeyId: (await fleet.crl()).issuerKeyId, shard: 0, delta: false }
    const first = files.current(scope, 'crl')
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    await hub.call('POST', `${certificates}/d`)
    await fleet.revoke('d')
    const others = Array.from({ length: 50 }, () => files.current(scope, 'crl'))
    waiting.shift()!()
    const before = await first
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    waiting.shift()!()
    const after = await Promise.all(others)
    expect(calls).toBe(2)
    expect(new Set(after.map(({ file }) => file)).size).toBe(1)
    expect(after[0]!.file.etag).not.toBe(before.file.etag)
  })

  test('forget what is not there', async () => {
    const { fleet } = hub
    const files = createCrlFiles(fleet)
    const { issuerKeyId } = await fleet.crl()
    for (let shard = 50_000; shard < 50_100; shard += 1) {
      await expect(files.current({ issuerKeyId, shard, delta: false }, 'crl')).rejects.toThrow()
    }
    expect((await files.current({ issuerKeyId, shard: 0, delta: false }, 'crl')).file.parts.length).toBe(1)
  })
})

test('a list of megabytes is hashed once and sent as it lies, by node:http and by a function around the hub', async () => {
  const der = new Uint8Array(5_000_001).fill(7)
  const list = { parts: slicesOf(der), crlNumber: 9n }
  serve(() => list)
  const wrapped = (request: Request): Promise<Response> => hub.hub(request)
  for (const handler of [toNodeHandler(hub.hub), toNodeHandler(wrapped)]) {
    const server = await listen(createServer(handler))
    try {
      const url = `http://127.0.0.1:${server.port}${path}`
      const replies = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const response = await fetch(url)
          return { response, bytes: Buffer.from(await response.arrayBuffer()) }
        }),
      )
      for (const { response, bytes } of replies) {
        expect(response.headers.get('content-length')).toBe('5000001')
        expect(bytes.equals(der)).toBe(true)
      }
      const head = await fetch(url, { method: 'HEAD' })
      expect(head.headers.get('content-length')).toBe('5000001')
      // A reader who goes away in the middle takes nothing with him.
      const aborted = new AbortController()
      const { body } = await fetch(url, { signal: aborted.signal })
      await body!.getReader().read()
      aborted.abort()
      expect((await fetch(url, { headers: { 'if-none-match': '*' } })).status).toBe(304)
    } finally {
      await server.close()
    }
  }
  const files = createCrlFiles(hub.fleet)
  const scope = { issuerKeyId: (await hub.fleet.crl()).issuerKeyId, shard: 0, delta: false }
  const one = await files.current(scope, 'crl')
  const other = await files.current(scope, 'crl')
  expect(one.file).toBe(other.file)
  for (const part of one.file.parts) expect(part.buffer).toBe(der.buffer)
  expect((await files.current(scope, 'pem')).file).toBe((await files.current(scope, 'pem')).file)
})
