import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DeviceCredential } from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { failures, ocspRequest, ocspVerdict } from '../support/ocsp.ts'
import { type PublishedFleet, publishFleet } from '../support/published-fleet.ts'
import { runTool } from '../support/run-tool.ts'

const folder = temporaryDirectory()
let pki: PublishedFleet
const devices = new Map<string, DeviceCredential>()

beforeAll(async () => {
  // Below a path, as where the hub is a part of an application.
  pki = await publishFleet({
    prefix: '/pki',
    around: handler => (request, response) => {
      request.url = request.url!.replace(/^\/pki/, '')
      handler(request, response)
    },
  })
  for (const name of ['good', 'held', 'compromised', 'gone']) {
    const device = await pki.fleet.enroll(name)
    devices.set(name, device)
    writeFileSync(folder.path(`${name}.pem`), device.certificate)
    writeFileSync(folder.path('ca.pem'), device.chain)
  }
  writeFileSync(folder.path('root.pem'), pki.fleet.trustAnchors)
})
afterAll(async () => {
  expect(pki.errors).toEqual([])
  await pki.close()
  folder.remove()
})

describeWith(['openssl'], 'openssl ocsp', () => {
  const ask = async (names: readonly string[], args: readonly string[] = []): Promise<string> => {
    // The address is the one in the certificate.
    const uri = await runTool('openssl', ['x509', '-noout', '-ocsp_uri', '-in', folder.path(`${names[0]}.pem`)])
    const { output } = await runTool('openssl', [
      ...['ocsp', '-url', uri.output.trim(), '-issuer', folder.path('ca.pem'), ...args],
      ...names.flatMap(name => ['-cert', folder.path(`${name}.pem`)]),
      ...['-CAfile', folder.path('root.pem'), '-verify_other', folder.path('ca.pem'), '-no-CApath', '-no-CAstore'],
    ])
    return output
  }

  test('asks where the certificate says, and believes the answer, with and without a nonce', async () => {
    for (const args of [[], ['-no_nonce'], ['-sha256'], ['-sha256', '-no_nonce']]) {
      const output = await ask(['good'], args)
      expect(output).toContain('Response verify OK')
      expect(output).toMatch(/good\.pem: good/)
      expect(output).not.toMatch(/WARNING|error/i)
    }
    expect(pki.requests).toContain('POST /pki/ocsp')
  })

  test('hears of a revocation, its reason, a hold and its release', async () => {
    expect(await ask(['compromised'])).toMatch(/compromised\.pem: good/)
    await pki.fleet.revoke('compromised', { reason: 'keyCompromise' })
    const output = await ask(['compromised'])
    expect(output).toContain('Response verify OK')
    expect(output).toMatch(/compromised\.pem: revoked[\s\S]*Reason: keyCompromise[\s\S]*Revocation Time: /)
    await pki.fleet.revoke('held', { reason: 'certificateHold' })
    expect(await ask(['held'])).toMatch(/held\.pem: revoked[\s\S]*Reason: certificateHold/)
    await pki.fleet.release('held')
    expect(await ask(['held', 'compromised'])).toMatch(/held\.pem: good[\s\S]*compromised\.pem: revoked/)
  })

  test('is told unauthorized about a device of another fleet', async () => {
    const other = await publishFleet()
    const stranger = await other.fleet.enroll('good')
    await other.close()
    writeFileSync(folder.path('stranger.pem'), stranger.certificate)
    writeFileSync(folder.path('stranger-ca.pem'), stranger.chain)
    const { output } = await runTool('openssl', [
      ...['ocsp', '-url', `${pki.url}/ocsp`, '-issuer', folder.path('stranger-ca.pem')],
      ...['-cert', folder.path('stranger.pem'), '-CAfile', folder.path('root.pem')],
    ])
    expect(output).toMatch(/Responder Error: unauthorized \(6\)/)
  })
})

describeWith(['ocsptool'], 'ocsptool', () => {
  const ask = (name: string, args: readonly string[] = []) =>
    runTool('ocsptool', [
      ...[`--ask=${pki.url}/ocsp`, '--load-cert', folder.path(`${name}.pem`), ...args],
      ...['--load-issuer', folder.path('ca.pem'), '--load-trust', folder.path('ca.pem')],
    ])

  test('says the same, before and after a revocation', async () => {
    for (const args of [[], ['--nonce']]) {
      const { status, output } = await ask('good', args)
      expect(status, output).toBe(0)
      expect(output).toMatch(/Certificate Status: good/)
      expect(output).toMatch(/Verifying OCSP Response: Success/)
    }
    expect((await ask('gone')).output).toMatch(/Certificate Status: good/)
    await pki.fleet.revoke('gone', { reason: 'cessationOfOperation' })
    const { output } = await ask('gone')
    expect(output).toMatch(/Certificate Status: revoked/)
    expect(output).toMatch(/Verifying OCSP Response: Success/)
  })
})

describeWith(['javac'], 'the JDK', () => {
  test('asks by GET where the certificate says, and refuses a device once it is revoked', async () => {
    const device = await pki.fleet.enroll('java-1')
    writeFileSync(folder.path('java-1.pem'), device.certificate)
    const verify = async (): Promise<string> => {
      const source = fileURLToPath(new URL('./java/VerifyByOcsp.java', import.meta.url))
      const files = ['root.pem', 'java-1.pem', 'ca.pem'].map(name => folder.path(name))
      const { output } = await runTool('java', [source, ...files])
      return output.trim()
    }
    const before = pki.requests.length
    expect(await verify()).toBe('VALID')
    expect(pki.requests.slice(before)).toEqual([expect.stringMatching(/^GET \/pki\/ocsp\//)])
    await pki.fleet.revoke('java-1', { reason: 'keyCompromise' })
    expect(await verify()).toMatch(/^REVOKED at 0: .*KEY_COMPROMISE/)
  })
})

describeWith(['curl'], 'curl', () => {
  const curl = async (args: readonly string[], input?: Uint8Array) => {
    const { status, output, stdout } = await runTool('curl', ['--silent', '--show-error', ...args], input)
    expect(status, output).toBe(0)
    return stdout
  }

  test('posts and gets, in all the odd encodings', async () => {
    const request = ocspRequest([devices.get('good')!])
    const url = `${pki.url}/ocsp`
    const header = 'Content-Type: application/ocsp-request'
    expect(ocspVerdict(await curl(['--header', header, '--data-binary', '@-', url], request))).toEqual(['good'])
    // Its own content type, application/x-www-form-urlencoded.
    expect(ocspVerdict(await curl(['--data-binary', '@-', url], request))).toEqual(['good'])
    const chunked = ['--header', header, '--header', 'Transfer-Encoding: chunked', '--data-binary', '@-', url]
    expect(ocspVerdict(await curl(chunked, request))).toEqual(['good'])
    expect(ocspVerdict(await curl(['--http1.0', '--data-binary', '@-', url], request))).toEqual(['good'])
    const base64 = request.toString('base64')
    for (const path of [
      encodeURIComponent(base64),
      base64,
      `/${base64}`,
      base64.replaceAll('=', ''),
      `${encodeURIComponent(base64)}/`,
      encodeURIComponent(encodeURIComponent(base64)),
    ]) {
      expect(ocspVerdict(await curl(['--path-as-is', `${url}/${path}`]))).toEqual(['good'])
    }
  })

  test('sees the headers of RFC 9919, and 304 by its own store of ETags', async () => {
    const url = `${pki.url}/ocsp/${encodeURIComponent(ocspRequest([devices.get('good')!]).toString('base64'))}`
    const head = (await curl(['--head', url])).toString()
    expect(head).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(head).toMatch(/^content-type: application\/ocsp-response\r$/im)
    expect(head).toMatch(/^cache-control: max-age=\d+, public, no-transform, must-revalidate\r$/im)
    expect(head).toMatch(/^etag: "[0-9a-f]{64}"\r$/im)
    expect(head).toMatch(/^content-length: \d{3,4}\r$/im)
    await curl(['--etag-save', folder.path('etag'), '--output', folder.path('answer.der'), url])
    const again = await curl([
      '--etag-compare',
      folder.path('etag'),
      '--write-out',
      '%{http_code} %{size_download}',
      url,
    ])
    expect(again.toString()).toBe('304 0')
  })

  test('sends junk and gets the RFC’s answer', async () => {
    const code = ['--write-out', '%{stderr}%{http_code}', '--output', '-']
    for (const junk of [Buffer.alloc(0), Buffer.from('junk'), ocspRequest([devices.get('good')!]).subarray(0, 40)]) {
      const { output, stdout } = await runTool(
        'curl',
        ['--silent', ...code, '--request', 'POST', '--data-binary', '@-', `${pki.url}/ocsp`],
        junk,
      )
      expect(output).toContain('200')
      expect(stdout.toString('hex')).toBe(failures.malformedRequest)
    }
    const get = await runTool('curl', ['--silent', ...code, '--path-as-is', `${pki.url}/ocsp/../junk`])
    expect(get.stdout.toString('hex')).toBe(failures.malformedRequest)
  })
})
