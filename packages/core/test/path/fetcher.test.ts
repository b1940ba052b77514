import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFetcher, isPkiError, type PkiError, verifyPath } from '@fleetcert/core'
import { authorityInfoAccess, crlDistributionPoints, issuingDistributionPoint } from '@fleetcert/x509'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { at, makeCa, makeCrl, makeEndEntity, optionsFor, verdictOf } from './support/pki.ts'

let server: Server
let elsewhere: Server
let origin: string
let requests: string[] = []
let elsewhereAsked = 0
const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()

const listen = (handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> =>
  new Promise(resolve => {
    const made: Server = createServer(handler).listen(0, '127.0.0.1', () => resolve(made))
  })
const portOf = (made: Server): number => (made.address() as AddressInfo).port

beforeAll(async () => {
  server = await listen((request, response) => {
    requests.push(request.url!)
    const answer = answers.get(request.url!)
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  elsewhere = await listen((_, response) => {
    elsewhereAsked++
    response.end('secret')
  })
  origin = `http://127.0.0.1:${portOf(server)}`
})
afterAll(async () => {
  for (const made of [server, elsewhere]) {
    made.closeAllConnections()
    await new Promise(resolve => made.close(resolve))
  }
})
beforeEach(() => {
  requests = []
  elsewhereAsked = 0
  answers.clear()
})

const serve = (path: string, octets: Uint8Array) => answers.set(path, (_, response) => response.end(octets))
const fetcherOf = (options: Partial<Parameters<typeof createFetcher>[0]> = {}) =>
  createFetcher({ allow: [`${origin}/pki/`], timeoutSeconds: 5, ...options })

async function failureOf(promise: Promise<unknown>): Promise<PkiError<'ERR_PKI_FETCH'>> {
  const error = await promise.then(
    () => undefined,
    reason => reason,
  )
  if (isPkiError(error, 'ERR_PKI_FETCH')) return error
  throw error ?? new Error('it was fetched')
}

describe('createFetcher', () => {
  it('fetches what is below an allowed prefix', async () => {
    serve('/pki/a.crl', Uint8Array.of(1, 2, 3))
    serve('/pki/b?x=1', Uint8Array.of(4))
    expect(await fetcherOf()(`${origin}/pki/a.crl`)).toEqual(Uint8Array.of(1, 2, 3))
    expect(await fetcherOf()(`${origin}/pki/b?x=1`)).toEqual(Uint8Array.of(4))
  })

  it.each<[string, () => string]>([
    ['another path', () => `${origin}/other/a`],
    ['the prefix without its slash', () => `${origin}/pki`],
    ['a longer folder name', () => `${origin}/pki-admin/a`],
    ['dots that lead out', () => `${origin}/pki/../admin`],
    ['escaped dots', () => `${origin}/pki/%2e%2e/admin`],
    ['half escaped dots', () => `${origin}/pki/.%2E/admin`],
    ['escaped slashes', () => `${origin}/pki/..%2fadmin`],
    ['escaped backslashes', () => `${origin}/pki/..%5cadmin`],
    ['backslashes', () => `${origin}\\pki\\..\\admin`],
    ['an escaped NUL', () => `${origin}/pki/a%00.crl`],
    ['another port', () => `http://127.0.0.1:${portOf(elsewhere)}/pki/a`],
    ['the host as a user name', () => `${origin}/pki/@127.0.0.1:${portOf(elsewhere)}/`.replace('/pki/@', '@')],
    ['a user name before the host', () => `http://user@127.0.0.1:${portOf(server)}/pki/a`],
    ['a user name and password', () => `http://u:p@127.0.0.1:${portOf(server)}/pki/a`],
    ['a host that begins like it', () => `http://127.0.0.1.example:${portOf(server)}/pki/a`],
    ['another scheme with the host', () => `https://127.0.0.1:${portOf(server)}/pki/a`],
    ['file', () => 'file:///etc/passwd'],
    ['file with the host', () => 'file://127.0.0.1/pki/a'],
    ['ftp', () => 'ftp://127.0.0.1/pki/a'],
    ['data', () => 'data:,x'],
    ['ldap', () => 'ldap://127.0.0.1/cn=x'],
    ['no scheme', () => `//127.0.0.1:${portOf(server)}/pki/a`],
    ['one slash', () => `http:/127.0.0.1:${portOf(server)}/pki/a`],
    ['a line break', () => `${origin}/pki/a\r\nHost: evil`],
    ['a tab inside the scheme', () => `ht\ttp://127.0.0.1:${portOf(server)}/pki/a`],
    ['a blank in front', () => ` ${origin}/pki/a`],
    ['a fragment', () => `${origin}/pki/a#b`],
    ['a very long one', () => `${origin}/pki/${'a'.repeat(4000)}`],
    ['the address of metadata services', () => 'http://169.254.169.254/latest/meta-data/'],
    ['the empty text', () => ''],
  ])('does not ask: %s', async (_, url) => {
    expect(await fetcherOf()(url())).toBeUndefined()
    expect(requests).toEqual([])
    expect(elsewhereAsked).toBe(0)
  })

  it('hosts are told apart as addresses, not as text', async () => {
    serve('/pki/a', Uint8Array.of(1))
    // 127.0.0.1 as one number: the same host, the same server.
    expect(await fetcherOf()(`HTTP://2130706433:${portOf(server)}/pki/./a`)).toEqual(Uint8Array.of(1))
    expect(requests).toEqual(['/pki/a'])
  })

  it.each([301, 302, 303, 307, 308])('does not follow a redirect, status %i', async status => {
    const location = `http://127.0.0.1:${portOf(elsewhere)}/pki/a`
    answers.set('/pki/a', (_, response) => response.writeHead(status, { location }).end())
    expect((await failureOf(fetcherOf()(`${origin}/pki/a`))).details.reason).toBe(`status ${status}`)
    expect(elsewhereAsked).toBe(0)
  })

  it.each([204, 404, 500])('refuses status %i', async status => {
    answers.set('/pki/a', (_, response) => response.writeHead(status).end())
    expect((await failureOf(fetcherOf()(`${origin}/pki/a`))).details).toEqual({
      url: `${origin}/pki/a`,
      reason: `status ${status}`,
    })
  })

  it('stops at the size limit, whatever the length says, and hangs up', async () => {
    const fetcher = fetcherOf({ maxBytes: 1000 })
    serve('/pki/fits', new Uint8Array(1000))
    expect(await fetcher(`${origin}/pki/fits`)).toHaveLength(1000)
    serve('/pki/long', new Uint8Array(1001))
    expect((await failureOf(fetcher(`${origin}/pki/long`))).details.reason).toBe('more than 1000 octets')
    let written = 0
    const hungUp = new Promise<void>(resolve => {
      answers.set('/pki/endless', (_, response) => {
        const write = (): void => {
          written += 65_536
          if (!response.destroyed) response.write(new Uint8Array(65_536), () => setImmediate(write))
        }
        response.on('close', resolve)
        write()
      })
    })
    expect((await failureOf(fetcher(`${origin}/pki/endless`))).details.reason).toBe('more than 1000 octets')
    await hungUp
    expect(written).toBeLessThan(100 * 1024 * 1024)
  })

  it('does not wait for ever: neither for headers nor for a slow body', async () => {
    const fetcher = fetcherOf({ timeoutSeconds: 0.2 })
    answers.set('/pki/silent', () => {})
    answers.set('/pki/slow', (_, response) => {
      const timer = setInterval(() => response.write('a'), 20)
      response.on('close', () => clearInterval(timer))
    })
    for (const path of ['silent', 'slow']) {
      expect((await failureOf(fetcher(`${origin}/pki/${path}`))).details.reason).toContain('within 0.2 s')
    }
  })

  it('ends with the caller’s reason when it is aborted', async () => {
    answers.set('/pki/silent', () => {})
    const controller = new AbortController()
    const pending = fetcherOf()(`${origin}/pki/silent`, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(pending).rejects.toThrow('enough')
  })

  it('a server that is not there', async () => {
    const gone = await listen(() => {})
    const address = `http://127.0.0.1:${portOf(gone)}/`
    await new Promise(resolve => gone.close(resolve))
    expect((await failureOf(createFetcher({ allow: [address] })(`${address}a`))).details.reason).toBe(
      'it cannot be reached',
    )
  })

  it.each([
    ['no slash at the end', { allow: ['http://a.example/pki'] }, TypeError],
    ['a query', { allow: ['http://a.example/?x=/'] }, TypeError],
    ['a user', { allow: ['http://u@a.example/'] }, TypeError],
    ['file', { allow: ['file:///pki/'] }, TypeError],
    ['no host', { allow: ['http:///'] }, TypeError],
    ['no octets', { allow: [], maxBytes: 0 }, RangeError],
    ['no time', { allow: [], timeoutSeconds: 0 }, RangeError],
  ])('is not made with %s', (_, options, error) => {
    expect(() => createFetcher(options)).toThrow(error)
  })
})

describe('verifyPath with a fetcher', () => {
  const root = makeCa('root')
  const chainAt = (base: string) => {
    const issuing = makeCa('issuing', root, {
      extensions: [
        crlDistributionPoints([`${base}/pki/root.crl`]),
        authorityInfoAccess({ caIssuers: [`${base}/pki/root.cer`] }),
      ],
    })
    const device = makeEndEntity(issuing, {
      extensions: [
        crlDistributionPoints([`${base}/pki/0.crl`]),
        authorityInfoAccess({ caIssuers: [`${base}/pki/issuing.cer`] }),
      ],
    })
    return { issuing, device }
  }
  const shard = (base: string) => ({ extensions: [issuingDistributionPoint({ urls: [`${base}/pki/0.crl`] })] })

  it('gets what is missing: issuers and CRLs', async () => {
    const { issuing, device } = chainAt(origin)
    serve('/pki/issuing.cer', issuing.der)
    serve('/pki/root.crl', makeCrl(root))
    serve('/pki/0.crl', makeCrl(issuing, shard(origin)))
    const options = optionsFor(device, [], [root], { revocation: 'checkAll', fetcher: fetcherOf() })
    const { revocation, work } = await verifyPath(options)
    expect(revocation.map(({ status }) => status)).toEqual(['good', 'good'])
    expect(work.fetches).toBe(3)
    expect(requests.sort()).toEqual(['/pki/0.crl', '/pki/issuing.cer', '/pki/root.crl'])
    serve('/pki/0.crl', makeCrl(issuing, { ...shard(origin), revoked: [{ serialNumber: device.serialNumber }] }))
    expect(await verdictOf(options)).toBe('ERR_PKI_PATH_REVOKED')
  })

  it('asks nobody without one, and nobody that is not allowed', async () => {
    const { issuing, device } = chainAt(origin)
    const options = optionsFor(device, [issuing], [root], { revocation: 'checkAll' })
    expect(await verdictOf(options)).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    const fetcher = createFetcher({ allow: [`${origin}/other/`] })
    expect(await verdictOf({ ...options, fetcher })).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    expect(await verdictOf({ ...options, fetcher, revocation: 'ifGiven' })).toBe('accepted')
    expect(await verdictOf(optionsFor(device, [], [root], { fetcher }))).toBe('ERR_PKI_PATH_NOT_FOUND')
    expect(requests).toEqual([])
  })

  it('many addresses that it may not ask are no work', async () => {
    const { issuing } = chainAt(origin)
    const urls = Array.from({ length: 100 }, (_, index) => `http://a.example/${index}.crl`)
    const device = makeEndEntity(issuing, { extensions: [crlDistributionPoints(urls)] })
    const options = optionsFor(device, [issuing], [root], {
      revocation: 'checkAll',
      crls: [makeCrl(root)],
      fetcher: fetcherOf(),
    })
    expect(await verdictOf(options)).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    const allowed = makeEndEntity(issuing, {
      extensions: [crlDistributionPoints(urls.map(url => url.replace('http://a.example', `${origin}/pki`)))],
    })
    expect(await verdictOf({ ...options, certificate: allowed.der })).toBe('ERR_PKI_PATH_LIMIT')
    expect(requests.length).toBeLessThanOrEqual(10)
  })

  it('asks nobody about what was given', async () => {
    const { issuing, device } = chainAt(origin)
    const crls = [makeCrl(root), makeCrl(issuing)]
    const options = optionsFor(device, [issuing], [root], { revocation: 'checkAll', crls, fetcher: fetcherOf() })
    expect(await verdictOf(options)).toBe('accepted')
    expect(requests).toEqual([])
  })

  it('no answer, or rubbish, from an address that may be asked proves nothing', async () => {
    const { issuing, device } = chainAt(origin)
    const options = optionsFor(device, [issuing], [root], { revocation: 'ifGiven', fetcher: fetcherOf() })
    expect(await verdictOf(options)).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    serve('/pki/root.crl', Buffer.from('<html>'))
    expect(await verdictOf(options)).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    serve('/pki/issuing.cer', Buffer.from('<html>'))
    expect(await verdictOf(optionsFor(device, [], [root], { fetcher: fetcherOf() }))).toBe('ERR_PKI_PATH_NOT_FOUND')
  })

  it('a chain that names a new address in each certificate ends', async () => {
    let index = 0
    const fetcher = async (url: string) => {
      expect(url).toContain('/pki/')
      const extensions = [authorityInfoAccess({ caIssuers: [`${origin}/pki/${++index}.cer`] })]
      return makeCa(`ca ${index - 1}`, makeCa(`ca ${index}`), { key: keys[index - 1]!, extensions }).der
    }
    const first = makeCa('ca 0')
    const keys = [first.key, ...Array.from({ length: 50 }, () => first.key)]
    const device = makeEndEntity(first, { extensions: [authorityInfoAccess({ caIssuers: [`${origin}/pki/0.cer`] })] })
    const verdict = await verdictOf(optionsFor(device, [], [root], { fetcher, at }))
    expect(['ERR_PKI_PATH_LIMIT', 'ERR_PKI_PATH_SIGNATURE']).toContain(verdict)
    expect(index).toBeLessThanOrEqual(10)
  })
})
