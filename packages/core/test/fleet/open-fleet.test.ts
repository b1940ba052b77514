import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { afterEach, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory, toolOutput } from '../../../../test-support/tools.ts'

const open = new Set<Fleet>()
const fleetWith = async (options: Partial<Parameters<typeof openFleet>[0]> = {}): Promise<Fleet> => {
  const fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false, ...options })
  open.add(fleet)
  return fleet
}
afterEach(async () => {
  for (const fleet of open) await fleet.close()
  open.clear()
})

const csr = (args: readonly string[]): { csr: string; key: string } => {
  const folder = temporaryDirectory()
  try {
    const key = toolOutput('openssl', ['genpkey', ...args]).toString()
    writeFileSync(folder.path('key.pem'), key, { mode: 0o600 })
    // The subject asks for another name: it must not get it.
    const request = toolOutput('openssl', ['req', '-new', '-key', folder.path('key.pem'), '-subj', '/CN=somebody-else'])
    return { csr: request.toString(), key }
  } finally {
    folder.remove()
  }
}

describeWith(['openssl'], 'a fleet judged by openssl', () => {
  it('makes a root and an issuing CA of path length 0 at the first start', async () => {
    const fleet = await fleetWith({ organization: 'Acme' })
    const issuers = []
    for await (const issuer of fleet.issuers()) issuers.push(issuer)
    expect(issuers.map(({ role }) => role)).toEqual(['root', 'issuingCa'])
    const [root, ca] = issuers
    const text = toolOutput('openssl', ['x509', '-noout', '-text'], ca!.certificate).toString()
    expect(text).toContain('CA:TRUE, pathlen:0')
    expect(text).toContain('X509v3 Key Usage: critical')
    expect(text).not.toContain('Extended Key Usage')
    const years = (root!.notAfter.getTime() - Date.now()) / (365 * 86_400_000)
    expect(years).toBeGreaterThan(9.99)
    expect(years).toBeLessThan(10.01)
    expect(fleet.trustAnchors).toBe(root!.certificate)
  })

  it('writes the device profile and nothing else', async () => {
    const fleet = await fleetWith({ publish: { baseUrl: 'http://pki.example' } })
    const credential = await fleet.enroll('sensor-1', { owner: 'alice' })
    const text = toolOutput('openssl', ['x509', '-noout', '-text'], credential.certificate).toString()
    expect(text).toContain('Subject: CN = sensor-1')
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/)
    expect(text).toMatch(/Extended Key Usage: \n?\s+TLS Web Client Authentication\n/)
    expect(text).toContain('URI:urn:fleetcert:device:sensor-1')
    expect(text).toContain('X509v3 Subject Key Identifier')
    expect(text).toContain('X509v3 Authority Key Identifier')
    expect(text).toContain(`URI:http://pki.example/crl/${credential.issuerKeyId.slice(0, 16)}-0.crl`)
    expect(text).toContain(`CA Issuers - URI:http://pki.example/ca/${credential.issuerKeyId.slice(0, 16)}.cer`)
    expect(text).not.toContain('CA:TRUE')
    const certificate = new X509Certificate(credential.certificate)
    expect(certificate.fingerprint256).toBe(credential.fingerprint)
    expect(certificate.serialNumber.toLowerCase()).toBe(credential.serialNumber)
    expect(credential.serialNumber).toHaveLength(32)
  })

  it('is accepted before and refused after the revocation, root and issuing CRL checked, strictly', async () => {
    for (const publish of [undefined, { baseUrl: 'http://pki.example' }]) {
      const fleet = await fleetWith(publish === undefined ? {} : { publish })
      const credential = await fleet.enroll('sensor-1')
      const folder = temporaryDirectory()
      try {
        const crls = async (): Promise<string> => {
          const pems = []
          for await (const { issuerKeyId } of fleet.issuers()) pems.push((await fleet.crl({ issuerKeyId })).pem)
          return pems.join('')
        }
        writeFileSync(folder.path('root.pem'), credential.trustAnchors)
        writeFileSync(folder.path('ca.pem'), credential.chain)
        writeFileSync(folder.path('device.pem'), credential.certificate)
        const verify = async () => {
          writeFileSync(folder.path('crl.pem'), await crls())
          return runTool('openssl', [
            'verify',
            '-x509_strict',
            '-purpose',
            'sslclient',
            '-crl_check_all',
            '-no-CApath',
            '-no-CAstore',
            '-CAfile',
            folder.path('root.pem'),
            '-untrusted',
            folder.path('ca.pem'),
            '-CRLfile',
            folder.path('crl.pem'),
            folder.path('device.pem'),
          ])
        }
        expect(await verify()).toMatchObject({ status: 0 })
        await fleet.revoke('sensor-1', { reason: 'keyCompromise' })
        const refused = await verify()
        expect(refused.status).not.toBe(0)
        expect(refused.output).toContain('error 23 at 0 depth lookup: certificate revoked')
        const text = toolOutput('openssl', ['crl', '-noout', '-text'], (await fleet.crl()).pem).toString()
        expect(text).toContain('X509v3 Issuing Distribution Point: critical')
        expect(text).toContain('Key Compromise')
        expect(text.toLowerCase()).toContain(`serial number: ${credential.serialNumber}`)
      } finally {
        folder.remove()
      }
    }
  })

  it.each([
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['RSA 2048', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('certifies the key of a %s CSR, and only the key', async (_name, args) => {
    const fleet = await fleetWith()
    const request = csr(args)
    const credential = await fleet.enroll('sensor-1', { csr: request.csr })
    expect(credential.privateKey).toBeUndefined()
    const certificate = new X509Certificate(credential.certificate)
    expect(certificate.subject).toBe('CN=sensor-1')
    const own = toolOutput('openssl', ['pkey', '-pubout'], request.key).toString()
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(own)
  })

  it.each([
    ['RSA 1024', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']],
    ['RSA with e = 3', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_keygen_pubexp:3']],
    ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['secp256k1', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
  ])('refuses a key of %s', async (_name, args) => {
    const fleet = await fleetWith()
    await expect(fleet.enroll('sensor-1', { csr: csr(args).csr })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_POLICY' })
    expect(await fleet.device('sensor-1')).toBeUndefined()
  })

  it('certifies servers by DNS name and IP address', async () => {
    const fleet = await fleetWith()
    const server = await fleet.issueServer({ hosts: ['broker.example', '*.fleet.example', '127.0.0.1', '::1'] })
    const text = toolOutput('openssl', ['x509', '-noout', '-text'], server.certificate).toString()
    expect(text).toContain('DNS:broker.example, DNS:*.fleet.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect(text).toContain('TLS Web Server Authentication')
    expect(text).not.toContain('Client Authentication')
    for (const hosts of [
      [],
      ['under_score'],
      ['a..b'],
      ['-a.example'],
      ['1.2.3.400'],
      ['*'],
      ['*.com.*'],
      ['a b'],
      ['é.example'],
    ]) {
      await expect(fleet.issueServer({ hosts })).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
    }
  })
})
