import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { parseCertificate, parseCrl } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'

it.each(['der', 'pemFirst'] as const)(
  'bakes the URLs of the CRL into certificates, octet for octet (%s)',
  async crl => {
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      publish: { baseUrl: 'http://pki.example/~x', crl },
      background: false,
    })
    const { certificate, chain, issuerKeyId } = await fleet.enroll('sensor-1')
    const issuingCa = parseCertificate(chain)
    const root = parseCertificate(fleet.trustAnchors)
    let rootKeyId = ''
    for await (const issuer of fleet.issuers()) if (issuer.role === 'root') rootKeyId = issuer.issuerKeyId
    for (const [subject, keyId] of [
      [parseCertificate(certificate), issuerKeyId],
      [issuingCa, rootKeyId],
    ] as const) {
      const list = parseCrl((await fleet.crl({ issuerKeyId: keyId })).der)
      expect(subject.crlDistributionPoints).toHaveLength(crl === 'der' ? 1 : 2)
      // A list of CAs alone says that and no URL: the root's own certificate has none to compare it with.
      if (keyId === issuerKeyId) expect(list.issuingDistributionPoint?.urls).toEqual(subject.crlDistributionPoints)
      else expect(list.issuingDistributionPoint).toMatchObject({ urls: [], onlyContainsCACerts: true })
      expect(list.issuerDer).toEqual(subject.issuerDer)
      expect(list.authorityKeyIdentifier).toEqual(subject.authorityKeyIdentifier)
    }
    expect(root.crlDistributionPoints).toBeUndefined()
    await fleet.close()
  },
)

describe('the OCSP responder', () => {
  const open = (publish?: { baseUrl: string; ocsp?: boolean }) =>
    openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      background: false,
      ...(publish === undefined ? {} : { publish }),
    })

  it('is named in the certificates of devices, services and servers, and not in those of CAs', async () => {
    await using fleet = await open({ baseUrl: 'http://pki.example/~x/' })
    const device = await fleet.enroll('sensor-1')
    const renewed = await fleet.renew('sensor-1')
    const service = await fleet.enroll('backend', { role: 'service' })
    const server = await fleet.issueServer({ hosts: ['broker.example'] })
    for (const { certificate, issuerKeyId } of [device, renewed, service, server]) {
      expect(parseCertificate(certificate).authorityInfoAccess).toEqual({
        ocsp: ['http://pki.example/~x/ocsp'],
        caIssuers: [`http://pki.example/~x/ca/${issuerKeyId.slice(0, 16)}.cer`],
      })
    }
    // The root's key is away as a rule, and then nobody can sign what the issuing CA is worth.
    expect(parseCertificate(device.chain).authorityInfoAccess?.ocsp).toEqual([])
    expect(parseCertificate(fleet.trustAnchors).authorityInfoAccess).toBeUndefined()
  })

  it('is not named where it is said that none answers, nor without publish', async () => {
    await using files = await open({ baseUrl: 'http://pki.example', ocsp: false })
    const access = parseCertificate((await files.enroll('sensor-1')).certificate).authorityInfoAccess
    expect(access).toMatchObject({ ocsp: [], caIssuers: [expect.stringMatching(/\.cer$/)] })
    await using bare = await open()
    expect(parseCertificate((await bare.enroll('sensor-1')).certificate).authorityInfoAccess).toBeUndefined()
  })

  it('is a matter of yes or no', async () => {
    await expect(open({ baseUrl: 'http://pki.example', ocsp: 'no' as never })).rejects.toThrow(TypeError)
  })
})
