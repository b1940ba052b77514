import {
  type KeyAlgorithm,
  lintCertificate,
  lintOcspResponse,
  memoryKeyring,
  memoryStore,
  openFleet,
  revocationReasons,
} from '@fleetcert/core'
import {
  decodePem,
  encodeCertId,
  encodeOcspRequest,
  encodePem,
  isPkiError,
  parseCertificate,
  parseOcspResponse,
} from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'
import { countingOctets } from '../../../../../x509/test/support/counting-octets.ts'
import { mutate, seededRandom } from '../../../../../x509/test/support/random.ts'
import { describeVectors } from '../../../../../x509/test/support/vectors.ts'
import { certIdOf, issuerDer, nonceOf, ocspResponse, revoked, signedByCa, single, spoiltKeyHash } from './build-ocsp.ts'

const rulesOf = (...parameters: Parameters<typeof lintOcspResponse>) =>
  lintOcspResponse(...parameters).map(({ rule }) => rule)

describe.each<KeyAlgorithm>(['P-256', 'P-384', 'Ed25519', 'RSA-2048'])('a fleet whose CAs have %s keys', algorithm => {
  it('answers without findings: good, revoked for every reason, root and issuing CA, both hashes, with and without a nonce', async () => {
    const keyring = memoryKeyring()
    let now = new Date('2026-03-01T12:00:00.250Z')
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: { ...keyring, create: name => keyring.create(name, algorithm) },
      publish: { baseUrl: 'http://pki.example' },
      background: false,
      clock: () => now,
    })
    const authorities = new Map<string, string>()
    for await (const { role, certificate } of fleet.issuers()) authorities.set(role, certificate)
    const [root, issuingCa] = [authorities.get('root')!, authorities.get('issuingCa')!]
    const asked: { readonly serialNumber: string; readonly issuer: string; readonly status: string }[] = [
      { serialNumber: parseCertificate(issuingCa).serialNumber, issuer: root, status: 'good' },
    ]
    for (const [index, reason] of [undefined, ...revocationReasons].entries()) {
      const { serialNumber } = await fleet.enroll(`d-${index}`)
      if (reason !== undefined) await fleet.revoke(`d-${index}`, { reason })
      asked.push({ serialNumber, issuer: issuingCa, status: reason === undefined ? 'good' : 'revoked' })
    }
    now = new Date('2026-03-01T12:01:00Z')
    for (const { serialNumber, issuer, status } of asked) {
      for (const hash of ['sha1', 'sha256'] as const) {
        for (const nonce of [undefined, Buffer.alloc(32, 5)]) {
          const certId = encodeCertId(parseCertificate(issuer), serialNumber, hash)
          const request = encodeOcspRequest([certId], nonce === undefined ? {} : { nonce })
          const { der } = await fleet.ocsp(request)
          const response = parseOcspResponse(der)
          expect(response.status === 'successful' && response.responses[0]!.certStatus).toBe(status)
          expect(lintOcspResponse(der, { issuer, request })).toEqual([])
          expect(lintOcspResponse(der)).toEqual([])
          if (response.status !== 'successful') continue
          for (const certificate of response.certificates) expect(lintCertificate(certificate, { issuer })).toEqual([])
          // Nothing found must not mean nothing looked at.
          expect(rulesOf(der, { issuer: issuerDer, request })).toContain('ocsp-cert-id-issuer')
        }
      }
    }
    const both = asked.slice(1, 3).map(({ serialNumber }) => encodeCertId(parseCertificate(issuingCa), serialNumber))
    const request = encodeOcspRequest(both)
    expect(lintOcspResponse((await fleet.ocsp(request)).der, { issuer: issuingCa, request })).toEqual([])
    const failed = await fleet.ocsp(Uint8Array.of(0x30, 0))
    expect([failed.responseStatus, lintOcspResponse(failed.der, { issuer: issuingCa })]).toEqual([
      'malformedRequest',
      [],
    ])
    await fleet.close()
  })
})

describe('lintOcspResponse', () => {
  it('takes the issuer as DER or PEM', () => {
    const response = ocspResponse({ responses: [single({ certId: spoiltKeyHash() })] })
    for (const issuer of [issuerDer, encodePem('CERTIFICATE', issuerDer)]) {
      expect(rulesOf(response, { issuer })).toEqual(['ocsp-cert-id-issuer'])
    }
    expect(rulesOf(response)).toEqual([])
  })

  it('refuses what is not an OCSP response, and a request that is none', () => {
    const der = ocspResponse()
    for (const [input, code] of [
      [new Uint8Array(0), 'ERR_PKI_DER'],
      [der.subarray(0, -1), 'ERR_PKI_DER'],
      [Buffer.concat([der, Uint8Array.of(0)]), 'ERR_PKI_DER'],
      [issuerDer, 'ERR_PKI_DER'],
      [new Uint8Array(64 * 1024 + 1), 'ERR_PKI_TOO_LARGE'],
    ] as const) {
      expect(() => lintOcspResponse(input)).toThrow(expect.objectContaining({ code }))
    }
    expect(() => lintOcspResponse('' as unknown as Uint8Array)).toThrow(TypeError)
    expect(() => lintOcspResponse(der, { request: der })).toThrow(expect.objectContaining({ code: 'ERR_PKI_DER' }))
    expect(() => lintOcspResponse(der, { issuer: der })).toThrow(expect.objectContaining({ code: 'ERR_PKI_DER' }))
  })

  it('takes a number of steps linear in the size', () => {
    const steps = (count: number): number => {
      const responses = Array.from({ length: count }, (_, index) =>
        single({ certId: certIdOf((index + 256).toString(16).padStart(4, '0')) }),
      )
      const { octets, reads } = countingOctets(ocspResponse({ responses }))
      expect(lintOcspResponse(octets, { issuer: issuerDer })).toEqual([])
      return reads()
    }
    expect(steps(400)).toBeLessThan(steps(50) * 8.1)
  })

  it('answers damaged responses with findings or a coded error, and nothing else', () => {
    const random = seededRandom(20260302)
    const seeds = [
      ocspResponse(),
      ocspResponse({
        ...signedByCa,
        responses: [single({ status: revoked(1) })],
        extensions: [nonceOf(Buffer.from('0408aaaaaaaaaaaaaaaa', 'hex'))],
      }),
      ocspResponse({ status: 6, bytes: null }),
    ]
    let answered = 0
    for (let run = 0; run < 6000; run++) {
      let input = seeds[random(seeds.length)]!
      for (let times = 1 + random(3); times > 0 && input.length > 0; times--) input = mutate(input, random)
      try {
        for (const { message } of lintOcspResponse(input, { issuer: issuerDer })) {
          expect(message).toMatch(/^[A-Za-z0-9 .,'/:-]+$/)
          answered++
        }
      } catch (error) {
        if (!isPkiError(error)) throw new Error(`seed 20260302, run ${run}`, { cause: error })
      }
    }
    expect(answered).toBeGreaterThan(200)
  })
})

describeVectors('ocsp-openssl', 'OCSP responses of openssl', vectors => {
  const response = (file: string): Uint8Array => Buffer.from(vectors.text(`${file}.ors`), 'base64')
  const issuers: Readonly<Record<string, string>> = {
    ND1: 'ND1_Issuer_ICA',
    ND2: 'ND2_Issuer_Root',
    ND3: 'ND3_Issuer_Root',
    D1: 'D1_Issuer_ICA',
    D2: 'D2_Issuer_Root',
    D3: 'D3_Issuer_Root',
  }
  const errorsOf = (file: string, issuer: string) =>
    lintOcspResponse(response(file), { issuer: decodePem(vectors.text(`${issuer}.pem`), 'CERTIFICATE')[0]!.der })
      .filter(({ scope, severity }) => scope === 'rfc' && severity === 'error')
      .map(({ rule }) => rule)

  it.each(Object.entries(issuers))('%s: nothing against RFC 6960', (file, issuer) => {
    // Signed by sha1WithRSAEncryption without the NULL of RFC 3279.
    const withoutNull = file === 'D1' || file === 'D2'
    expect(errorsOf(file, issuer)).toEqual(withoutNull ? ['ocsp-signature-algorithm-parameters'] : [])
  })

  it.each(
    // Wrong issuer name hash, wrong issuer key hash, wrong ResponderID: of a delegate (D), or of a CA (ND) that is taken for one.
    Object.entries(issuers).flatMap(([of, issuer]) => [
      [`WINH_${of}`, issuer, 'ocsp-cert-id-issuer'],
      [`WIKH_${of}`, issuer, 'ocsp-cert-id-issuer'],
      [`WRID_${of}`, issuer, of.startsWith('ND') ? 'ocsp-delegate-included' : 'ocsp-responder-id-matches'],
    ]),
  )('%s: %s finds %s', (file, issuer, rule) => {
    expect(errorsOf(file!, issuer!)).toContain(rule)
  })
})

describeVectors('ocsp-pyca', 'OCSP responses of pyca', vectors => {
  const found = (file: string) => {
    try {
      return rulesOf(vectors.bytes(file))
    } catch (error) {
      if (!isPkiError(error)) throw error
      return error.code
    }
  }

  it('are answered each with what is to be found in it', () => {
    const files = vectors.files().filter(file => file.includes('resp'))
    expect(Object.fromEntries(files.map(file => [file, found(file)]))).toEqual({
      'ocsp-army.deps.mil-resp.der': ['ocsp-signature-algorithm-parameters'],
      'resp-delegate-unknown-cert.der': ['ocsp-delegate-no-pointers', 'ocsp-delegate-short-lived'],
      'resp-invalid-signature-oid.der': ['ocsp-responder-id-by-key'],
      'resp-responder-key-hash.der': [],
      'resp-response-type-unknown-oid.der': ['ocsp-response-type'],
      'resp-revoked-no-next-update.der': ['ocsp-responder-id-by-key', 'ocsp-next-update'],
      'resp-revoked-reason.der': ['ocsp-responder-id-by-key', 'ocsp-delegate-short-lived'],
      'resp-revoked.der': [],
      'resp-sct-extension.der': ['ocsp-responder-id-by-key', 'ocsp-delegate-short-lived'],
      'resp-sha256.der': ['ocsp-responder-id-by-key'],
      'resp-single-extension-reason.der': [],
      'resp-successful-no-response-bytes.der': ['ocsp-response-bytes'],
      'resp-unauthorized.der': [],
      'resp-unknown-extension.der': [
        'ocsp-responder-id-by-key',
        'ocsp-delegate-short-lived',
        'ocsp-response-extensions',
      ],
      'resp-unknown-hash-alg.der': [],
      'resp-unknown-response-status.der': ['ocsp-response-status'],
    })
  })
})
