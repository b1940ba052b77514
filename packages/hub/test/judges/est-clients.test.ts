import { readFileSync, writeFileSync } from 'node:fs'
import { decodePem, parseCertificate } from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type DeviceHub, openDeviceHub } from '../support/device-hub.ts'
import { runTool } from '../support/run-tool.ts'

const folder = temporaryDirectory()
let hub: DeviceHub
beforeAll(async () => {
  hub = await openDeviceHub({ open: { organization: 'Acme' }, device: { labels: { lab: { key: 'RSA' } } } })
  writeFileSync(folder.path('ca.pem'), hub.fleet.trustAnchors)
})
afterAll(async () => {
  await hub.close()
  folder.remove()
})

const file = (name: string): string => readFileSync(folder.path(name), 'utf8')
const fingerprintOf = (name: string): Promise<{ readonly output: string }> =>
  runTool('openssl', ['x509', '-in', folder.path(name), '-noout', '-fingerprint', '-sha256'])

async function shell(script: string) {
  return runTool('bash', ['--norc', '-c', `cd ${folder.directory}\nset -e -o pipefail\n${script}`])
}

/** The commands under "With curl" in docs/hub-device-api.md, as they are written; only what is "yours" there is this test's. */
function commands(own: { readonly device: string; readonly token: string }): readonly string[] {
  const page = readFileSync(new URL('../../../../docs/hub-device-api.md', import.meta.url), 'utf8')
  const section = page.slice(page.indexOf('\n### With curl\n'), page.indexOf('\n### Factory certificates\n'))
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1]!)
  expect(blocks).toHaveLength(2)
  return blocks.map(block =>
    block
      .replace('hub=https://hub.example\n', `hub=${hub.url}\n`)
      .replace('device=sensor-1\n', `device=${own.device}\n`)
      .replace('token=fct_…\n', `token=${own.token}\n`),
  )
}

describeWith(['curl', 'openssl', 'bash'], 'EST with curl and openssl', () => {
  /** The variables of the page, for commands that are this test's own. */
  const setting = (): string =>
    `est="curl -sS --cacert ca.pem -w %{http_code} ${hub.url}/.well-known/est"\npkcs10='Content-Type: application/pkcs10'\n`

  async function enrolled(name: string): Promise<{ readonly fingerprint: string }> {
    const credential = await hub.fleet.enroll(name)
    writeFileSync(folder.path(`${name}.pem`), credential.certificate + credential.chain)
    writeFileSync(folder.path(`${name}-key.pem`), credential.privateKey!, { mode: 0o600 })
    return credential
  }

  test('docs/hub-device-api.md, "With curl", as it is written', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'curl-1', owner: 'acme' })
    const [enrol, renew] = commands({ device: 'curl-1', token }) as [string, string]
    const done = await shell(`${enrol}\n${renew}`)
    expect(done.output).toMatch(/^cert\.pem: OK[\s\S]*^new-cert\.pem: OK\n\{"superseded":1\}/m)
    expect(done.output).toMatch(/OBJECT +:id-ecPublicKey[\s\S]*OBJECT +:prime256v1[\s\S]*OBJECT +:ecdsa-with-SHA256/)
    expect(done.output).not.toMatch(/error|unable|warning/i)
    expect(done.status).toBe(0)
    const device = await hub.fleet.device('curl-1')
    expect(device).toMatchObject({ owner: 'acme', status: 'active' })
    expect((await fingerprintOf('new-cert.pem')).output).toContain(device!.fingerprint)
    const bundle = decodePem(file('cacerts.pem'), 'CERTIFICATE').map(({ der }) => parseCertificate(der))
    expect(bundle.map(({ basicConstraints }) => basicConstraints?.cA)).toEqual([true, true])
    const [first, second] = ['cert.pem', 'new-cert.pem'].map(name => parseCertificate(file(name)))
    expect(second!.subjectDer).toEqual(first!.subjectDer)
    expect(second!.subjectPublicKeyInfo).not.toEqual(first!.subjectPublicKeyInfo)
  })

  test('openssl reads the answer as CMS, too, and finds nobody’s signature in it', async () => {
    const { output, status } = await shell(
      `curl -sS --cacert ca.pem ${hub.url}/.well-known/est/cacerts | openssl base64 -d > cacerts.der
      openssl cms -cmsout -print -inform DER -in cacerts.der -noout`,
    )
    expect(status).toBe(0)
    expect(output).toContain('contentType: pkcs7-signedData')
    expect(output).toMatch(/eContentType: pkcs7-data/)
    expect(output).toMatch(/signerInfos:\s+<EMPTY>/)
  })

  test('the same key again, as a renewal that is none of the key', async () => {
    await enrolled('curl-2')
    const { output, status } = await shell(
      `${setting()}openssl req -new -key curl-2-key.pem -subj "/O=Acme/CN=curl-2" -outform DER | openssl base64 -A > request.b64
      $est/simplereenroll --cert curl-2.pem --key curl-2-key.pem -H "$pkcs10" --data-binary @request.b64`,
    )
    expect(status).toBe(0)
    expect(output).toMatch(/200$/)
  })

  test.each<[string, string, RegExp]>([
    ['another subject', '-subj /CN=somebody-else', /the subject is not that of the certificate.*\n400$/],
    ['a part of the subject', '-subj /CN=curl-3', /the subject is not that of the certificate.*\n400$/],
    [
      'another alternative name',
      '-subj / -addext subjectAltName=DNS:broker.example',
      /subjectAltName is not that of the certificate.*\n400$/,
    ],
    ['the alternative name that it has', '-subj / -addext subjectAltName=URI:urn:fleetcert:device:curl-3', /200$/],
  ])('a re-enrolment that asks for %s', async (_, names, answer) => {
    await hub.fleet.revoke('curl-3').catch(() => undefined)
    await enrolled('curl-3')
    const { output } = await shell(
      `${setting()}openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.pem ${names} -outform DER 2>/dev/null | openssl base64 > request.b64
      $est/simplereenroll --cert curl-3.pem --key curl-3-key.pem -H "$pkcs10" --data-binary @request.b64`,
    )
    expect(output).toMatch(answer)
  })

  test('a label has its own key; others are not found', async () => {
    const known = await shell(
      `curl -sS --cacert ca.pem ${hub.url}/.well-known/est/lab/csrattrs | openssl base64 -d | openssl asn1parse -inform DER`,
    )
    expect(known.output).toMatch(/rsaEncryption[\s\S]*INTEGER +:0800[\s\S]*sha256WithRSAEncryption/)
    expect((await shell(`${setting()}$est/other/csrattrs`)).output).toMatch(/404$/)
  })

  test.each<[string, string, RegExp]>([
    ['nothing to prove it', '', /401$/],
    ['a token of another device', '--user curl-other:TOKEN', /unknown or for another device.*\n401$/],
    ['a token that is none', '--user curl-4:nope', /401$/],
    ['no user', '--user :TOKEN', /401$/],
    ['a bearer token, for the name of the request', "-H 'Authorization: Bearer TOKEN'", /200$/],
  ])('an enrolment with %s', async (_, proof, answer) => {
    const { token } = await hub.fleet.createToken({ deviceId: 'curl-4' })
    const { output } = await shell(
      `${setting()}openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.pem -subj /CN=curl-4 -outform DER 2>/dev/null | openssl base64 > request.b64
      $est/simpleenroll ${proof.replace('TOKEN', token)} -H "$pkcs10" --data-binary @request.b64`,
    )
    expect(output).toMatch(answer)
    expect(output).not.toContain(token)
  })

  test.each<[string, string, RegExp]>([
    ['PEM', 'openssl req -in request.der -inform DER > body', /is PEM: leave out the lines.*\n400$/],
    ['DER', 'cp request.der body', /is DER: encode it in base64.*\n400$/],
    ['nothing', ': > body', /empty.*\n400$/],
    ['garbage', 'head -c 3000 /dev/urandom > body', /not base64.*\n400$/],
    ['base64 of garbage', 'head -c 3000 /dev/urandom | openssl base64 > body', /not valid DER.*\n400$/],
    ['too much', 'head -c 44000 /dev/zero | openssl base64 > body', /larger.*\n413$/],
    ['far too much', 'head -c 300000 /dev/zero | openssl base64 > body', /larger.*\n413$/],
    [
      'base64 in one line, with spaces and tabs',
      'openssl base64 -A -in request.der | sed "s/A/A \\t/g" > body',
      /200$/,
    ],
    ['lines that end as on Windows', 'openssl base64 -in request.der | sed "s/$/\\r/" > body', /200$/],
  ])('a body of %s', async (_, make, answer) => {
    await hub.fleet.revoke('curl-5').catch(() => undefined)
    const { token } = await hub.fleet.createToken({ deviceId: 'curl-5' })
    const { output } = await shell(
      `${setting()}openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.pem -subj /CN=curl-5 -outform DER -out request.der 2>/dev/null
      ${make}
      $est/simpleenroll --user curl-5:${token} -H "$pkcs10" --data-binary @body`,
    )
    expect(output).toMatch(answer)
  })

  test('a request that is linked to the TLS session is refused: the link cannot be checked', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'curl-6' })
    writeFileSync(
      folder.path('challenge.cnf'),
      '[req]\nprompt=no\ndistinguished_name=dn\nattributes=at\n[dn]\nCN=curl-6\n[at]\nchallengePassword=linked\n',
    )
    const { output } = await shell(
      `${setting()}openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.pem -config challenge.cnf -outform DER 2>/dev/null | openssl base64 > request.b64
      $est/simpleenroll --user curl-6:${token} -H "$pkcs10" --data-binary @request.b64`,
    )
    expect(output).toMatch(/linking the request to the TLS session is not supported.*\n400$/)
  })

  test('a revoked device is told so, and hears nothing else', async () => {
    await enrolled('curl-7')
    await hub.fleet.revoke('curl-7')
    const { output } = await shell(
      `${setting()}openssl req -new -key curl-7-key.pem -subj / -outform DER | openssl base64 > request.b64
      $est/simplereenroll --cert curl-7.pem --key curl-7-key.pem -H "$pkcs10" --data-binary @request.b64`,
    )
    expect(output).toMatch(/ERR_PKI_CLIENT_REVOKED\n403$/)
  })
})
