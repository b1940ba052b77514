import { readFileSync, writeFileSync } from 'node:fs'
import { certificateFingerprint, parseCertificate } from '@fleetcert/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type DeviceHub, openDeviceHub } from '../support/device-hub.ts'
import { runTool } from '../support/run-tool.ts'

/** strongSwan's EST client: TLS, HTTP, CMS and certificates of its own making. */
describeWith(['pki', 'openssl', 'bash'], 'EST with strongSwan', () => {
  const folder = temporaryDirectory()
  let hub: DeviceHub
  beforeAll(async () => {
    hub = await openDeviceHub()
    writeFileSync(folder.path('root.pem'), hub.fleet.trustAnchors)
    for await (const { role, certificate } of hub.fleet.issuers()) {
      if (role === 'issuingCa') writeFileSync(folder.path('issuing.pem'), certificate)
    }
  })
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const shell = (script: string) => runTool('bash', ['--norc', '-c', `cd ${folder.directory}\nset -e\n${script}`])

  const newKey = (key: string, kind: string): string =>
    `openssl genpkey -quiet ${kind} -out ${key} 2>/dev/null || openssl genpkey ${kind} -out ${key} 2>/dev/null`
  const p256 = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
  const rsa = '-algorithm RSA -pkeyopt rsa_keygen_bits:2048'

  test.each([
    ['swan-ec', p256],
    ['swan-rsa', rsa],
  ])('%s enrols with a token, and once more with its certificate and another key', async (name, kind) => {
    const { token } = await hub.fleet.createToken({ deviceId: name, owner: 'acme' })
    const trust = '--cacert root.pem --cacert issuing.pem --outform pem'
    const { output, status } = await shell(
      `${newKey('old.key', kind)}
      openssl req -new -key old.key -subj /CN=${name} -outform DER -out old.req
      pki --est --url ${hub.url} ${trust} --in old.req --userpass ${name}:${token} > old.pem
      ${newKey('new.key', kind)}
      openssl req -new -key new.key -subj /CN=${name} -outform DER -out new.req
      pki --est --url ${hub.url} ${trust} --in new.req --cert old.pem --key old.key > new.pem`,
    )
    expect(output.match(/Issued certificate is trusted/g), output).toHaveLength(2)
    expect(status).toBe(0)
    const [old, renewed] = ['old.pem', 'new.pem'].map(file => parseCertificate(readFileSync(folder.path(file), 'utf8')))
    expect(renewed!.subjectDer).toEqual(old!.subjectDer)
    expect(renewed!.subjectPublicKeyInfo).not.toEqual(old!.subjectPublicKeyInfo)
    const { fingerprint } = (await hub.fleet.device(name))!
    expect(certificateFingerprint(renewed!.der)).toBe(fingerprint)
  })

  test('is told why not', async () => {
    const { output, status } = await shell(
      `${newKey('other.key', p256)}
      openssl req -new -key other.key -subj /CN=other -outform DER -out other.req
      pki --est --url ${hub.url} --cacert root.pem --in other.req --userpass other:fct_nothing > other.pem`,
    )
    expect(status).not.toBe(0)
    expect(output).toMatch(/HTTP 401/)
  })
})
