import { writeFileSync } from 'node:fs'
import { type Fleet, type KeyAlgorithm, memoryKeyring, memoryStore, openFleet, verifyPath } from '@fleetcert/core'
import { decodePem, parseCertificate, parseCrl, verifySignature } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'
import { runTool, temporaryDirectory } from '../../../../test-support/tools.ts'

const openWith = (keyAlgorithm: KeyAlgorithm): Promise<Fleet> =>
  openFleet({
    store: memoryStore(),
    keyring: memoryKeyring(),
    root: { keyAlgorithm },
    issuing: { keyAlgorithm },
    background: false,
  })

describe.each([
  ['ML-DSA-44', 'id-ml-dsa-44'],
  ['ML-DSA-65', 'id-ml-dsa-65'],
] as const)('a fleet whose CAs sign with %s', (algorithm, name) => {
  it('enrolls P-256 devices, revokes one, and answers for them', async () => {
    await using fleet = await openWith(algorithm)
    const credential = await fleet.enroll('sensor-1')
    const certificate = parseCertificate(credential.certificate)
    expect(certificate.publicKey).toMatchObject({ type: 'ec', curve: 'P-256' })
    expect(certificate.signatureAlgorithm).toBe(name)

    const chain = decodePem(credential.chain).map(block => block.der)
    const anchors = decodePem(credential.trustAnchors).map(block => block.der)
    const issuer = parseCertificate(chain[0]!)
    expect(issuer.publicKey.type).toBe(algorithm.toLowerCase())
    const options = { certificate: certificate.der, chain, trustAnchors: anchors, at: new Date() } as const
    await verifyPath({ ...options, purpose: 'clientAuth', revocation: 'off' })

    await fleet.revoke('sensor-1')
    const crl = parseCrl((await fleet.crl()).der)
    expect(crl.signatureAlgorithm).toBe(name)
    expect(verifySignature(name, issuer.subjectPublicKeyInfo, crl.tbsCertList, crl.signature)).toBe(true)
  })

  it('is verified by openssl from 3.5 on', async context => {
    const version = /OpenSSL (\d+)\.(\d+)/.exec(runTool('openssl', ['version']).output)
    if (version === null || Number(version[1]) * 100 + Number(version[2]) < 305) {
      context.skip(`${version?.[0] ?? 'no OpenSSL'} knows no ML-DSA`)
    }
    const folder = temporaryDirectory()
    try {
      await using fleet = await openWith(algorithm)
      const credential = await fleet.enroll('sensor-1')
      writeFileSync(folder.path('ca.pem'), credential.trustAnchors)
      writeFileSync(folder.path('chain.pem'), credential.chain)
      writeFileSync(folder.path('device.pem'), credential.certificate)
      const files = [
        '-CAfile',
        folder.path('ca.pem'),
        '-untrusted',
        folder.path('chain.pem'),
        folder.path('device.pem'),
      ]
      expect(runTool('openssl', ['verify', '-x509_strict', ...files])).toMatchObject({ status: 0 })
    } finally {
      folder.remove()
    }
  })
})
