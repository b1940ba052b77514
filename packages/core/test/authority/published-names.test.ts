import { memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { parseCertificate, parseCrl } from '@fleetcert/x509'
import { expect, it } from 'vitest'

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
