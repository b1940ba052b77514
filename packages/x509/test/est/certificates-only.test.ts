import fc from 'fast-check'
import { expect, it } from 'vitest'
import { contextTag, createDerReader, derTag, octetString, sequence } from '../../src/der/index.ts'
import { decodePem, encodeCertificatesOnly } from '../../src/index.ts'
import { issueCa, makeSigner } from '../support/issue.ts'
import { describeOpenssl } from '../support/openssl.ts'

it('holds the certificates as they are, in the order of DER', () => {
  const certificate = fc.uint8Array({ maxLength: 100 }).map(content => sequence(octetString(content)))
  fc.assert(
    fc.property(fc.array(certificate, { maxLength: 4 }), certificates => {
      const reader = createDerReader(encodeCertificatesOnly(certificates))
      reader.enter(derTag.sequence)
      expect(reader.objectIdentifier()).toBe('1.2.840.113549.1.7.2')
      reader.enter(contextTag(0, true))
      reader.enter(derTag.sequence)
      expect(reader.smallInteger()).toBe(1)
      reader.enter(derTag.set)
      reader.leave()
      reader.enter(derTag.sequence)
      expect(reader.objectIdentifier()).toBe('1.2.840.113549.1.7.1')
      reader.leave()
      reader.enter(contextTag(0, true))
      const found: string[] = []
      while (!reader.atEnd) found.push(Buffer.from(reader.element()).toString('hex'))
      reader.leave()
      reader.enter(derTag.set)
      reader.leave()
      reader.leave()
      reader.leave()
      reader.leave()
      reader.finish()
      expect(found).toEqual(certificates.map(der => Buffer.from(der).toString('hex')).sort())
    }),
  )
})

describeOpenssl('openssl', ({ openssl }) => {
  it('reads it as PKCS #7 and as CMS, and finds each certificate', async () => {
    const certificates = await Promise.all([1, 2, 3].map(() => issueCa(makeSigner())))
    const der = encodeCertificatesOnly(certificates)
    const { text, status } = openssl(['pkcs7', '-inform', 'DER', '-print_certs'], der)
    expect(status).toBe(0)
    const found = decodePem(text, 'CERTIFICATE').map(block => Buffer.from(block.der).toString('hex'))
    expect(found.sort()).toEqual(certificates.map(each => Buffer.from(each).toString('hex')).sort())
    const cms = openssl(['cms', '-cmsout', '-print', '-noout', '-inform', 'DER'], der)
    expect(cms.status).toBe(0)
    expect(cms.text).toMatch(/version: 1[\s\S]*signerInfos:\s+<EMPTY>/)
  })
})
