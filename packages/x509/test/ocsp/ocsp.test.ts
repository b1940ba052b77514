import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  bitString,
  context,
  enumerated,
  generalizedTime,
  integer,
  octetString,
  sequence,
  tlv,
} from '../../src/der/index.ts'
import {
  type BasicOcspResponse,
  basicConstraints,
  type Certificate,
  createOcspResponseWriter,
  type DistinguishedName,
  encodeCertId,
  encodeCertIdIssuer,
  encodeExtension,
  encodeOcspFailure,
  encodeOcspRequest,
  extendedKeyUsage,
  extendedKeyUsageOids,
  isCertIdOf,
  keyIdentifierOf,
  keyUsage,
  type MessageSigner,
  type OcspCertificateStatus,
  type OcspResponseContent,
  ocspNoCheck,
  ocspNonceExtension,
  ocspOids,
  parseCertificate,
  parseOcspRequest,
  parseOcspResponse,
  signatureAlgorithmIdentifier,
  toHex,
  verifyOcspResponse,
} from '../../src/index.ts'
import { expectPkiError, outcomeOf } from '../support/errors.ts'
import { issue, issueCa, makeSigner, type TestKey } from '../support/issue.ts'
import { mutate, seededRandom } from '../support/random.ts'

const thisUpdate = new Date('2026-11-21T12:00:00Z')
const nextUpdate = new Date('2026-11-21T13:00:00Z')
const serialNumber = '4b010203'
const responderName: DistinguishedName = [[{ type: 'CN', value: 'Responder' }]]

let ca: MessageSigner
let delegate: MessageSigner
let issuer: Certificate
beforeAll(async () => {
  ca = makeSigner()
  delegate = makeSigner()
  issuer = parseCertificate(await issueCa(ca))
})

const certifyDelegate = (changes: Partial<Parameters<typeof issue>[0]> = {}): Promise<Uint8Array> =>
  issue({
    issuer: ca,
    subject: responderName,
    subjectKey: delegate.publicKey,
    extensions: [keyUsage(['digitalSignature']), extendedKeyUsage([extendedKeyUsageOids.ocspSigning]), ocspNoCheck()],
    ...changes,
  })

async function respond(
  content: Partial<OcspResponseContent> = {},
  { signer = delegate, certificates }: { signer?: MessageSigner; certificates?: readonly Uint8Array[] } = {},
): Promise<Uint8Array> {
  const writer = createOcspResponseWriter({
    signatureAlgorithm: signer.algorithm,
    responderKeyHash: keyIdentifierOf(signer.publicKey),
    certificates: certificates ?? (signer === delegate ? [await certifyDelegate()] : []),
  })
  const good = { certId: encodeCertId(issuer, serialNumber), status: { certStatus: 'good' } } as const
  const draft = writer.draft({ responses: [good], thisUpdate, nextUpdate, ...content })
  return draft.finish(await signer.sign(draft.tbsResponseData))
}

const verify = (der: Uint8Array, changes: Partial<Parameters<typeof verifyOcspResponse>[1]> = {}) =>
  verifyOcspResponse(parseOcspResponse(der), { issuer, serialNumber, at: thisUpdate, ...changes })

describe('CertID', () => {
  it('names the issuer by the hashes of its name and its key', () => {
    const { certIds } = parseOcspRequest(encodeOcspRequest([encodeCertId(issuer, serialNumber, 'sha1')]))
    const [certId] = certIds
    expect(certId).toMatchObject({ hashAlgorithmOid: ocspOids.sha1, serialNumber })
    expect(toHex(certId!.issuerNameHash)).toBe(createHash('sha1').update(issuer.subjectDer).digest('hex'))
    expect(certId!.issuerKeyHash).toEqual(keyIdentifierOf(issuer.subjectPublicKeyInfo))
    expect(certId!.issuer).toEqual(encodeCertIdIssuer(issuer, 'sha1'))
    expect(isCertIdOf(certId!, issuer)).toBe(true)
    expect(isCertIdOf(certId!, { ...issuer, subjectDer: sequence() })).toBe(false)
    expect(isCertIdOf(certId!, { ...issuer, subjectPublicKeyInfo: delegate.publicKey })).toBe(false)
    expect(isCertIdOf({ ...certId!, hashAlgorithmOid: ocspOids.sha256 }, issuer)).toBe(false)
    expect(isCertIdOf({ ...certId!, hashAlgorithmOid: '1.2.3' }, issuer)).toBe(false)
  })
})

describe('encodeOcspRequest', () => {
  it('takes 1 to 128 octets of nonce, and at least one CertID', () => {
    const certId = encodeCertId(issuer, serialNumber)
    expect(() => encodeOcspRequest([])).toThrow(TypeError)
    for (const length of [0, 129]) {
      expect(() => encodeOcspRequest([certId], { nonce: new Uint8Array(length) })).toThrow(RangeError)
    }
    const nonce = Uint8Array.of(1, 2, 3)
    expect(parseOcspRequest(encodeOcspRequest([certId], { nonce }))).toMatchObject({
      nonce,
      certIds: [{ der: certId }],
    })
  })

  it('writes what is read again', () => {
    const octets = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength })
    fc.assert(
      fc.property(fc.array(octets(20), { minLength: 1, maxLength: 20 }), fc.option(octets(128)), (serials, nonce) => {
        const certIds = serials.map(serial => encodeCertId(issuer, toHex(serial)))
        const der = encodeOcspRequest(certIds, nonce === null ? {} : { nonce })
        const request = parseOcspRequest(der)
        expect(request.certIds.map(certId => certId.der)).toEqual(certIds)
        expect(request.nonce ?? null).toEqual(nonce)
        expect(
          encodeOcspRequest(
            request.certIds.map(({ der: certId }) => certId),
            nonce === null ? {} : { nonce },
          ),
        ).toEqual(der)
      }),
    )
  })
})

describe('parseOcspRequest', () => {
  it('stops at 16 KiB and at a hundred CertIDs', () => {
    const tiny = sequence(
      sequence(
        sequence(Uint8Array.of(6, 1, 42)),
        octetString(new Uint8Array()),
        octetString(new Uint8Array()),
        integer(1),
      ),
    )
    const request = (count: number) => sequence(sequence(sequence(...Array.from({ length: count }, () => tiny))))
    expect(parseOcspRequest(request(100)).certIds).toHaveLength(100)
    expectPkiError(() => parseOcspRequest(request(101)), 'ERR_PKI_OCSP_REQUEST', 'more than 100')
    expectPkiError(() => parseOcspRequest(new Uint8Array(16 * 1024 + 1)), 'ERR_PKI_TOO_LARGE')
  })

  it.each([
    ['no certificate', sequence(sequence(sequence())), 'ERR_PKI_OCSP_REQUEST'],
    ['version 2', sequence(sequence(context(0, true, integer(1)), sequence())), 'ERR_PKI_OCSP_REQUEST'],
    ['version 1 spelled out', sequence(sequence(context(0, true, integer(0)), sequence())), 'ERR_PKI_OCSP_REQUEST'],
    ['a list that is none', sequence(sequence(integer(1))), 'ERR_PKI_DER'],
    ['nothing', new Uint8Array(), 'ERR_PKI_DER'],
  ] as const)('refuses %s', (_, der, code) => {
    expectPkiError(() => parseOcspRequest(der), code)
  })
})

describe('what a responder writes', () => {
  const revocationDate = new Date('2026-11-20T00:00:00.999Z')
  const statuses: readonly OcspCertificateStatus[] = [
    { certStatus: 'good' },
    { certStatus: 'unknown' },
    { certStatus: 'revoked', revocationDate },
    { certStatus: 'revoked', revocationDate, reason: 'unspecified' },
    { certStatus: 'revoked', revocationDate, reason: 'keyCompromise' },
    { certStatus: 'revoked', revocationDate, reason: 'aACompromise' },
  ]

  it.each<TestKey>(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'])('is read again, signed with %s', async key => {
    const signer = makeSigner(key)
    const own = parseCertificate(await issueCa(signer))
    const responses = statuses.map((status, index) => ({ certId: encodeCertId(own, `0${index + 1}`), status }))
    for (const nonce of [undefined, new Uint8Array(32).fill(7)]) {
      const der = await respond({ responses, nonce }, { signer })
      const response = parseOcspResponse(der) as BasicOcspResponse
      expect(response).toMatchObject({
        status: 'successful',
        der,
        responderId: { byKey: keyIdentifierOf(signer.publicKey) },
        producedAt: thisUpdate,
        nonce,
        certificates: [],
        unhandledCriticalExtensions: [],
        signatureAlgorithm: signer.algorithm,
      })
      expect(response.extensions).toHaveLength(nonce === undefined ? 0 : 1)
      expect(
        response.responses.map(({ certStatus, revocationDate: date, reason }) => [
          certStatus,
          date?.toISOString(),
          reason,
        ]),
      ).toEqual([
        ['good', undefined, undefined],
        ['unknown', undefined, undefined],
        ['revoked', '2026-11-20T00:00:00.000Z', undefined],
        ['revoked', '2026-11-20T00:00:00.000Z', undefined],
        ['revoked', '2026-11-20T00:00:00.000Z', 'keyCompromise'],
        ['revoked', '2026-11-20T00:00:00.000Z', 'aACompromise'],
      ])
      for (const single of response.responses) expect(single).toMatchObject({ thisUpdate, nextUpdate, extensions: [] })
      const verdict = verifyOcspResponse(response, { issuer: own, serialNumber: '05', at: thisUpdate })
      expect(verdict).toMatchObject({ certStatus: 'revoked', reason: 'keyCompromise' })
    }
  })

  it('is, octet for octet, what is written element by element', async () => {
    const certificate = await certifyDelegate()
    const certId = encodeCertId(issuer, serialNumber)
    const nonce = Uint8Array.of(9)
    for (const count of [1, 2, 3, 100, 400]) {
      const responses = Array.from({ length: count }, () => ({ certId, status: { certStatus: 'good' } as const }))
      const response = parseOcspResponse(
        await respond({ responses, nonce }, { certificates: [certificate] }),
      ) as BasicOcspResponse
      const single = sequence(
        certId,
        context(0, false),
        generalizedTime(thisUpdate),
        context(0, true, generalizedTime(nextUpdate)),
      )
      const data = sequence(
        context(2, true, octetString(keyIdentifierOf(delegate.publicKey))),
        generalizedTime(thisUpdate),
        sequence(...responses.map(() => single)),
        context(1, true, sequence(ocspNonceExtension(nonce))),
      )
      const algorithm = signatureAlgorithmIdentifier(delegate.algorithm)
      const basic = sequence(data, algorithm, bitString(response.signature), context(0, true, sequence(certificate)))
      const oid = Buffer.from('06092b0601050507300101', 'hex')
      expect(response.der).toEqual(sequence(enumerated(0), context(0, true, sequence(oid, octetString(basic)))))
      expect(response.tbsResponseData).toEqual(data)
    }
  })

  it('takes a signature of any length', () => {
    const writer = createOcspResponseWriter({
      signatureAlgorithm: 'sha256WithRSAEncryption',
      responderKeyHash: new Uint8Array(20),
      certificates: [],
    })
    const responses = [{ certId: encodeCertId(issuer, serialNumber), status: { certStatus: 'good' } as const }]
    for (const length of [1, 64, 80, 81, 256, 127, 128, 1024, 70_000 - 8000]) {
      const signature = new Uint8Array(length).fill(length)
      const draft = writer.draft({ responses, thisUpdate, nextUpdate })
      const response = parseOcspResponse(draft.finish(signature)) as BasicOcspResponse
      expect(response.signature).toEqual(signature)
      expect(response.tbsResponseData).toEqual(draft.tbsResponseData)
    }
  })

  it('is about something, by somebody', () => {
    const options = { signatureAlgorithm: 'id-Ed25519', certificates: [] } as const
    expect(() => createOcspResponseWriter({ ...options, responderKeyHash: new Uint8Array(32) })).toThrow(RangeError)
    const writer = createOcspResponseWriter({ ...options, responderKeyHash: new Uint8Array(20) })
    expect(() => writer.draft({ responses: [], thisUpdate, nextUpdate })).toThrow(TypeError)
  })

  it('is a failure in five octets', () => {
    const names = ['malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized'] as const
    expect(names.map(name => toHex(encodeOcspFailure(name)))).toEqual([
      '30030a0101',
      '30030a0102',
      '30030a0103',
      '30030a0105',
      '30030a0106',
    ])
    for (const name of names) expect(parseOcspResponse(encodeOcspFailure(name)).status).toBe(name)
    expect(() => encodeOcspFailure('successful' as never)).toThrow(TypeError)
  })
})

describe('parseOcspResponse refuses', () => {
  const basic = (data: Uint8Array): Uint8Array => {
    const body = sequence(data, signatureAlgorithmIdentifier('id-Ed25519'), bitString(new Uint8Array(64)))
    const bytes = sequence(Buffer.from('06092b0601050507300101', 'hex'), octetString(body))
    return sequence(enumerated(0), context(0, true, bytes))
  }
  const by = context(2, true, octetString(new Uint8Array(20)))
  const at = generalizedTime(thisUpdate)
  const certId = (): Uint8Array => encodeCertId(issuer, serialNumber)
  const good = context(0, false)

  it.each<[string, () => Uint8Array, string]>([
    ['a status that is not used', () => sequence(enumerated(4)), 'ERR_PKI_OCSP_RESPONSE'],
    ['a failure with an answer', () => sequence(enumerated(1), context(0, true, sequence())), 'ERR_PKI_DER'],
    ['success without an answer', () => sequence(enumerated(0)), 'ERR_PKI_OCSP_RESPONSE'],
    ['an answer about nothing', () => basic(sequence(by, at, sequence())), 'ERR_PKI_OCSP_RESPONSE'],
    [
      'a key hash of another length',
      () => basic(sequence(context(2, true, octetString(new Uint8Array(32))), at, sequence())),
      'ERR_PKI_OCSP_RESPONSE',
    ],
    ['version 2', () => basic(sequence(context(0, true, integer(1)), by, at, sequence())), 'ERR_PKI_OCSP_RESPONSE'],
    [
      'a time with a fraction',
      () => basic(sequence(by, tlv(0x18, Buffer.from('20261121120000.5Z')), sequence())),
      'ERR_PKI_DER',
    ],
    [
      'a status of no kind',
      () => basic(sequence(by, at, sequence(sequence(certId(), context(3, false), at)))),
      'ERR_PKI_DER',
    ],
    [
      'good with content',
      () => basic(sequence(by, at, sequence(sequence(certId(), context(0, false, Uint8Array.of(1)), at)))),
      'ERR_PKI_DER',
    ],
    [
      'reason 7',
      () =>
        basic(
          sequence(by, at, sequence(sequence(certId(), context(1, true, at, context(0, true, enumerated(7))), at))),
        ),
      'ERR_PKI_DER',
    ],
    [
      'an empty nonce',
      () =>
        basic(
          sequence(
            by,
            at,
            sequence(sequence(certId(), good, at)),
            context(1, true, sequence(encodeExtension(ocspOids.nonce, false, octetString(new Uint8Array())))),
          ),
        ),
      'ERR_PKI_OCSP_REQUEST',
    ],
    ['more than 64 KiB', () => new Uint8Array(64 * 1024 + 1), 'ERR_PKI_TOO_LARGE'],
  ])('%s', (_, make, code) => {
    expectPkiError(() => parseOcspResponse(make()), code as never)
  })

  it('more certificates than anybody needs', async () => {
    const certificate = await certifyDelegate()
    const der = await respond({}, { certificates: Array.from({ length: 17 }, () => certificate) })
    expectPkiError(() => parseOcspResponse(der), 'ERR_PKI_OCSP_RESPONSE')
  })
})

describe('verifyOcspResponse', () => {
  it('believes the issuer and a delegate that it certified', async () => {
    expect(verify(await respond())).toMatchObject({ certStatus: 'good', thisUpdate, nextUpdate })
    expect(verify(await respond({}, { signer: ca }))).toMatchObject({ certStatus: 'good' })
  })

  it.each<[string, () => Promise<Uint8Array>]>([
    ['that is not sent along', () => respond({}, { certificates: [] })],
    [
      'that another CA certified',
      async () => respond({}, { certificates: [await certifyDelegate({ issuer: makeSigner() })] }),
    ],
    [
      'that a CA of another name certified',
      async () => respond({}, { certificates: [await certifyDelegate({ issuerName: responderName })] }),
    ],
    [
      'that is not certified for it',
      async () =>
        respond({}, { certificates: [await certifyDelegate({ extensions: [keyUsage(['digitalSignature'])] })] }),
    ],
    [
      'that is certified for anything',
      async () =>
        respond(
          {},
          {
            certificates: [
              await certifyDelegate({ extensions: [extendedKeyUsage([extendedKeyUsageOids.anyExtendedKeyUsage])] }),
            ],
          },
        ),
    ],
    [
      'whose key is for other things',
      async () =>
        respond(
          {},
          {
            certificates: [
              await certifyDelegate({
                extensions: [keyUsage(['keyAgreement']), extendedKeyUsage([extendedKeyUsageOids.ocspSigning])],
              }),
            ],
          },
        ),
    ],
    [
      'that is not valid yet',
      async () => respond({}, { certificates: [await certifyDelegate({ notBefore: nextUpdate })] }),
    ],
    [
      'that has expired',
      async () =>
        respond({}, { certificates: [await certifyDelegate({ notAfter: new Date('2026-11-21T11:59:59Z') })] }),
    ],
    [
      'with an unknown critical extension',
      async () =>
        respond(
          {},
          {
            certificates: [
              await certifyDelegate({
                extensions: [
                  extendedKeyUsage([extendedKeyUsageOids.ocspSigning]),
                  encodeExtension('1.2.3', true, sequence()),
                ],
              }),
            ],
          },
        ),
    ],
    [
      'that has another key',
      async () => respond({}, { signer: makeSigner(), certificates: [await certifyDelegate()] }),
    ],
    ['that is no certificate', () => respond({}, { certificates: [sequence(basicConstraints({ cA: true }))] })],
  ])('believes no delegate %s', async (_, make) => {
    const der = await make()
    expectPkiError(() => verify(der), 'ERR_PKI_OCSP_SIGNATURE')
  })

  it('believes nothing that was changed', async () => {
    const der = await respond()
    const { tbsResponseData, signature } = parseOcspResponse(der) as BasicOcspResponse
    for (const part of [tbsResponseData, signature]) {
      const at = part.byteOffset - der.byteOffset + part.length - 1
      const changed = Uint8Array.from(der)
      changed[at]! ^= 1
      expect(() => verify(changed)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_PKI_(OCSP|DER)/) }),
      )
    }
  })

  it('believes nothing that was damaged in what is signed, wherever the damage is', async () => {
    const der = await respond({ nonce: new Uint8Array(16) })
    const { tbsResponseData } = parseOcspResponse(der) as BasicOcspResponse
    const random = seededRandom(20261121)
    let refused = 0
    for (let round = 0; round < 2000; round++) {
      const damaged = mutate(der, random)
      const outcome = outcomeOf(() => verify(damaged))
      if ('error' in outcome) refused++
      // Around what is signed there are certificates that nobody reads, and lengths.
      else expect((parseOcspResponse(damaged) as BasicOcspResponse).tbsResponseData).toEqual(tbsResponseData)
    }
    expect(refused).toBeGreaterThan(1900)
  })

  it('wants the certificate that was asked about', async () => {
    const der = await respond()
    expectPkiError(() => verify(der, { serialNumber: '4b010204' }), 'ERR_PKI_OCSP_MISMATCH')
    const other = parseCertificate(await issueCa(makeSigner()))
    expectPkiError(() => verify(der, { issuer: other }), 'ERR_PKI_OCSP_MISMATCH')
  })

  it('lets "revoked" outweigh what else is said of the certificate', async () => {
    const revoked = { certStatus: 'revoked', revocationDate: thisUpdate, reason: 'superseded' } as const
    const responses = [
      { certId: encodeCertId(issuer, serialNumber, 'sha1'), status: { certStatus: 'good' } as const },
      { certId: encodeCertId(issuer, serialNumber), status: revoked },
    ]
    expect(verify(await respond({ responses }))).toMatchObject({ certStatus: 'revoked', reason: 'superseded' })
  })

  it('wants the nonce that was sent', async () => {
    const nonce = new Uint8Array(32).fill(1)
    expect(verify(await respond({ nonce }), { nonce })).toMatchObject({ certStatus: 'good' })
    const without = await respond()
    expectPkiError(() => verify(without, { nonce }), 'ERR_PKI_OCSP_MISMATCH', 'nonce')
    const other = await respond({ nonce: new Uint8Array(32) })
    expectPkiError(() => verify(other, { nonce }), 'ERR_PKI_OCSP_MISMATCH', 'nonce')
  })

  it('looks at the clock, with as much tolerance as it is given', async () => {
    const der = await respond()
    const at = (seconds: number) => new Date(thisUpdate.getTime() + seconds * 1000)
    expect(verify(der, { at: at(3600) })).toMatchObject({ certStatus: 'good' })
    expectPkiError(() => verify(der, { at: at(3601) }), 'ERR_PKI_OCSP_STALE', 'over')
    expectPkiError(() => verify(der, { at: at(-1) }), 'ERR_PKI_OCSP_STALE', 'future')
    expect(verify(der, { at: at(3660), clockToleranceSeconds: 60 })).toMatchObject({ certStatus: 'good' })
    expect(verify(der, { at: at(-60), clockToleranceSeconds: 60 })).toMatchObject({ certStatus: 'good' })
    const backwards = await respond({ nextUpdate: at(-1) })
    expectPkiError(() => verify(backwards), 'ERR_PKI_OCSP_STALE', 'before it begins')
    expect(() => verify(der, { at: new Date(Number.NaN) })).toThrow(RangeError)
  })

  it('is no answer where there was none', () => {
    expectPkiError(() => verify(encodeOcspFailure('tryLater')), 'ERR_PKI_OCSP_REFUSED')
  })

  it('tells a caller who forgot to parse the response, and calls it no refusal', () => {
    for (const response of [encodeOcspFailure('tryLater'), undefined, null, {}]) {
      expect(() => verifyOcspResponse(response as never, { issuer, serialNumber, at: thisUpdate })).toThrow(
        new TypeError('"response" must be what parseOcspResponse returned'),
      )
    }
  })

  it('relies on nothing with a critical extension that it does not know', async () => {
    const response = parseOcspResponse(await respond({}, { signer: ca })) as BasicOcspResponse
    const options = { issuer, serialNumber, at: thisUpdate }
    expect(verifyOcspResponse(response, options)).toMatchObject({ certStatus: 'good' })
    const unhandled = { ...response, unhandledCriticalExtensions: ['1.2.3'] }
    expectPkiError(() => verifyOcspResponse(unhandled, options), 'ERR_PKI_OCSP_RESPONSE', 'critical')
  })
})
