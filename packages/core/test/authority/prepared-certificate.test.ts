import { parseTbsCertificate, signatureAlgorithmIdentifier } from '@fleetcert/x509'
import { expect, it } from 'vitest'
import { prepareCertificate } from '../../src/authority/lint/prepare-certificate.ts'
import { preparedBytes, spendPrepared } from '../../src/authority/prepared-certificate.ts'
import { device, type Fields, issuer, tbsCertificate } from './lint/cases/build-certificate.ts'

const authority = parseTbsCertificate(tbsCertificate(issuer()))
const findingsOf = (fields: Fields): readonly string[] => {
  try {
    prepareCertificate(tbsCertificate(fields), authority)
    return []
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_PKI_LINT' })
    return (error as { details: { findings: string[] } }).details.findings
  }
}

it('gives its linted bytes out once', () => {
  const bytes = tbsCertificate()
  const prepared = prepareCertificate(bytes, authority)
  expect(preparedBytes(prepared)).toEqual(bytes)
  expect(spendPrepared(prepared)).toEqual(bytes)
  expect(() => spendPrepared(prepared)).toThrow(expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }))
  expect(() => preparedBytes(prepared)).toThrow(expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }))
})

it('cannot be made by hand', () => {
  expect(() => spendPrepared(Object.freeze({}) as never)).toThrow(
    expect.objectContaining({ code: 'ERR_PKI_PREPARED_SPENT' }),
  )
})

it('is refused for an error, a warning, and a departure from what fleetcert writes', () => {
  expect(findingsOf(device())).toEqual([])
  expect(findingsOf(device({ aki: undefined }))).toEqual([expect.stringMatching(/^authority-key-identifier: /)])
  expect(findingsOf(device({ ski: undefined }))).toEqual([
    expect.stringMatching(/^subject-key-identifier-in-end-entity: /),
  ])
  expect(findingsOf(device({ extendedKeyUsage: undefined }))).toEqual([
    expect.stringMatching(/^extended-key-usage-in-end-entity: /),
  ])
})

it('is compared with the issuer', () => {
  const signedByRsa = { algorithm: signatureAlgorithmIdentifier('sha256WithRSAEncryption') }
  expect(findingsOf(device({}, signedByRsa))).toEqual([expect.stringMatching(/^signature-algorithm-fits-issuer: /)])
  expect(() => prepareCertificate(tbsCertificate(device({}, signedByRsa)))).not.toThrow()
})

it('is refused for bytes that the strict reader refuses', () => {
  const bytes = tbsCertificate()
  expect(() => prepareCertificate(bytes.subarray(0, -1))).toThrow(
    expect.objectContaining({
      code: 'ERR_PKI_LINT',
      details: { findings: ['der: the TBSCertificate cannot be decoded'] },
    }),
  )
})
