import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import {
  type DeviceCredential,
  encodeCertId,
  encodeOcspRequest,
  type Fleet,
  fileKeyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
  parseOcspResponse,
  verifyOcspResponse,
} from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../../test-support/tools.ts'

const execute = promisify(execFile)
const scratch = { current: temporaryDirectory() }
const path = (name: string): string => scratch.current.path(name)

let fleet: Fleet
let server: Server
let url: string
let good: DeviceCredential
let revoked: DeviceCredential
/** What is done to answers on their way. */
let spoil: (der: Uint8Array) => Uint8Array
/** How far the responder's clock is off. */
let offsetSeconds: number

async function start(offset: number): Promise<void> {
  scratch.current = temporaryDirectory()
  offsetSeconds = offset
  fleet = await openFleet({
    store: memoryStore(),
    keyring: fileKeyring(path('keys')),
    organization: 'Judges',
    background: false,
    // The judges look at their own clock.
    clock: () => new Date(Date.now() + offsetSeconds * 1000),
  })
  spoil = der => der
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    const { der } = await fleet.ocsp(body)
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(spoil(der))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  good = await fleet.enroll('good')
  revoked = await fleet.enroll('revoked')
  await fleet.revoke('revoked', { reason: 'keyCompromise' })
  writeFileSync(path('good.pem'), good.certificate)
  writeFileSync(path('revoked.pem'), revoked.certificate)
  writeFileSync(path('iss.pem'), good.chain)
  writeFileSync(path('root.pem'), fleet.trustAnchors)
}
async function stop(): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await fleet.close()
  scratch.current.remove()
}
beforeEach(() => start(0))
afterEach(stop)

/** Runs a judge beside the server, which runs in this process. */
async function ask(name: string, args: readonly string[]): Promise<string> {
  const options = { cwd: scratch.current.directory, timeout: 20_000 }
  const { stdout, stderr } = await execute(name, [...args], options).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return `${stdout}\n${stderr}`
}

/** One octet of what is signed: in nextUpdate. */
function changeTime(der: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(der)
  const at = Buffer.from(der).indexOf('a011180f', 0, 'hex')
  changed[at + 17]! ^= 1
  return changed
}

const trust = ['-CAfile', 'root.pem', '-verify_other', 'iss.pem', '-no-CApath', '-no-CAstore']

describeWith(['openssl'], 'openssl ocsp', () => {
  const openssl = (...args: readonly string[]): Promise<string> =>
    ask('openssl', ['ocsp', '-issuer', 'iss.pem', ...args, ...trust])

  it.each([
    ['with a nonce', []],
    ['without', ['-no_nonce']],
  ])('believes what is good and what is revoked, %s', async (_, options) => {
    const first = await openssl('-cert', 'good.pem', '-url', url, ...options)
    expect(first).toContain('Response verify OK')
    expect(first).toContain('good.pem: good')
    expect(first).not.toContain('WARNING')
    const second = await openssl('-cert', 'revoked.pem', '-url', url, ...options)
    expect(second).toContain('Response verify OK')
    expect(second).toMatch(/revoked\.pem: revoked[\s\S]*Reason: keyCompromise/)
  })

  it('asks for two at once with SHA-256', async () => {
    const output = await openssl('-sha256', '-cert', 'good.pem', '-cert', 'revoked.pem', '-url', url)
    expect(output).toContain('Response verify OK')
    expect(output).toContain('good.pem: good')
    expect(output).toContain('revoked.pem: revoked')
  })

  it('hears of a hold, and of its end', async () => {
    await fleet.revoke('good', { reason: 'certificateHold' })
    expect(await openssl('-cert', 'good.pem', '-url', url, '-no_nonce')).toContain('Reason: certificateHold')
    await fleet.release('good')
    expect(await openssl('-cert', 'good.pem', '-url', url, '-no_nonce')).toContain('good.pem: good')
  })

  it('is not answered about what was never issued', async () => {
    const output = await openssl('-serial', '0x0123456789abcdef', '-url', url)
    expect(output).toContain('unauthorized (6)')
    expect(output).not.toMatch(/good|unknown/)
  })

  it('asks the root about the issuing CA', async () => {
    const args = ['ocsp', '-issuer', 'root.pem', '-cert', 'iss.pem', '-url', url]
    const output = await ask('openssl', [...args, '-CAfile', 'root.pem', '-no-CApath', '-no-CAstore'])
    expect(output).toContain('Response verify OK')
    expect(output).toContain('iss.pem: good')
  })

  it('refuses what was changed on the way', async () => {
    spoil = changeTime
    const output = await openssl('-cert', 'good.pem', '-url', url)
    expect(output).not.toContain('Response verify OK')
    expect(output).toMatch(/Response Verify Failure|Error/i)
  })

  it('refuses what is from the future, and what is stale', async () => {
    offsetSeconds = 3 * 3600
    expect(await openssl('-cert', 'good.pem', '-url', url)).toMatch(/not yet valid/)
    await stop()
    await start(-3 * 3600)
    expect(await openssl('-cert', 'good.pem', '-url', url)).toMatch(/status expired/)
  })

  it('makes requests that are read, and reads answers, by way of files', async () => {
    const written = ['ocsp', '-issuer', 'iss.pem', '-cert', 'good.pem', '-cert', 'revoked.pem']
    await ask('openssl', [...written, '-reqout', 'request.der'])
    const answer = await fleet.ocsp(readFileSync(path('request.der')))
    writeFileSync(path('answer.der'), answer.der)
    const output = await openssl('-cert', 'good.pem', '-cert', 'revoked.pem', '-no_nonce', '-respin', 'answer.der')
    expect(output).toContain('Response verify OK')
    expect(output).toMatch(/good\.pem: good[\s\S]*revoked\.pem: revoked/)
  })
})

describeWith(['openssl'], "answers of openssl's responder", () => {
  /** openssl as the responder, with the issuing CA's key and an index that we write. */
  async function respond(entries: readonly string[], request: Uint8Array, options: readonly string[] = []) {
    const key = readdirSync(path('keys')).find(name => name.startsWith('ca'))!
    writeFileSync(path('index.txt'), entries.map(entry => `${entry}\n`).join(''))
    writeFileSync(path('request.der'), request)
    const ca = ['-index', 'index.txt', '-CA', 'iss.pem', '-rsigner', 'iss.pem', '-rkey', path(`keys/${key}`)]
    await ask('openssl', ['ocsp', ...ca, '-reqin', 'request.der', '-respout', 'response.der', ...options])
    return parseOcspResponse(readFileSync(path('response.der')))
  }
  const entry = (status: 'V' | 'R', { serialNumber }: DeviceCredential): string =>
    [
      status,
      '351231235959Z',
      status === 'R' ? '260101000000Z,keyCompromise' : '',
      serialNumber.toUpperCase(),
      'unknown',
      '/CN=x',
    ].join('\t')

  it('are believed, whatever they say, and told apart', async () => {
    const issuer = parseCertificate(good.chain)
    const nonce = Buffer.from('0123456789abcdef0123456789abcdef')
    const certIds = [good, revoked].map(({ serialNumber }) => encodeCertId(issuer, serialNumber, 'sha1'))
    const unknown = encodeCertId(issuer, '0102', 'sha1')
    const request = encodeOcspRequest([...certIds, unknown], { nonce })
    const response = await respond([entry('V', good), entry('R', revoked)], request, ['-ndays', '1'])
    const judge = (serialNumber: string) =>
      verifyOcspResponse(response, { issuer, serialNumber, at: new Date(), nonce })
    expect(judge(good.serialNumber)).toMatchObject({ certStatus: 'good' })
    expect(judge(revoked.serialNumber)).toMatchObject({
      certStatus: 'revoked',
      reason: 'keyCompromise',
      revocationDate: new Date('2026-01-01T00:00:00Z'),
    })
    expect(judge('0102')).toMatchObject({ certStatus: 'unknown' })
    const options = { issuer, serialNumber: good.serialNumber, at: new Date() }
    expect(() => verifyOcspResponse(response, { ...options, nonce: nonce.subarray(1) })).toThrow(/nonce/)
    expect(() => verifyOcspResponse(response, { ...options, at: new Date(Date.now() + 2 * 86_400_000) })).toThrow(
      /over/,
    )
    const root = parseCertificate(fleet.trustAnchors)
    expect(() => verifyOcspResponse(response, { ...options, issuer: root })).toThrow(/issuer/)
  })

  it('are not believed without an end', async () => {
    const issuer = parseCertificate(good.chain)
    const request = encodeOcspRequest([encodeCertId(issuer, good.serialNumber, 'sha1')])
    const response = await respond([entry('V', good)], request)
    const judge = () => verifyOcspResponse(response, { issuer, serialNumber: good.serialNumber, at: new Date() })
    expect(judge).toThrow(expect.objectContaining({ code: 'ERR_PKI_OCSP_STALE' }))
  })
})

// It does not look at the dates.
describeWith(['ocsptool'], 'ocsptool of GnuTLS', () => {
  const ocsptool = (...args: readonly string[]): Promise<string> =>
    ask('ocsptool', [`--ask=${url}`, '--load-issuer', 'iss.pem', '--load-trust', 'iss.pem', ...args])

  it.each([
    ['with a nonce', ['--nonce']],
    ['without', ['--no-nonce']],
  ])('believes what is good and what is revoked, %s', async (_, options) => {
    const first = await ocsptool('--load-cert', 'good.pem', ...options)
    expect(first).toContain('Verifying OCSP Response: Success')
    expect(first).toContain('Certificate Status: good')
    const second = await ocsptool('--load-cert', 'revoked.pem', ...options)
    expect(second).toContain('Verifying OCSP Response: Success')
    expect(second).toContain('Certificate Status: revoked')
  })

  it('refuses what was changed on the way', async () => {
    spoil = changeTime
    const output = await ocsptool('--load-cert', 'good.pem')
    expect(output).not.toContain('Verifying OCSP Response: Success')
  })

  it('is not answered about what was never issued', async () => {
    const other = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
    const stranger = await other.enroll('stranger')
    await other.close()
    writeFileSync(path('stranger.pem'), stranger.certificate)
    const output = await ocsptool('--load-cert', 'stranger.pem')
    expect(output).not.toContain('Certificate Status: good')
    expect(output).toMatch(/unauthorized|Unauthorized/)
  })
})
