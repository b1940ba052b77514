import {
  createOcspResponder,
  encodeCertId,
  encodeOcspFailure,
  encodeOcspRequest,
  parseCertificate,
  parseCrl,
  type VerifyPathOptions,
  verifyPath,
} from '@fleetcert/core'
import {
  crlDistributionPoints,
  encodeExtension,
  extendedKeyUsage,
  extendedKeyUsageOids,
  extensionOids,
  issuingDistributionPoint,
  type OcspCertificateStatus,
  ocspNoCheck,
  softwareSigner,
} from '@fleetcert/x509'
import { integer, nullValue } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import {
  at,
  makeCa,
  makeCrl,
  makeEndEntity,
  named,
  optionsFor,
  refusal,
  type TestCertificate,
  verdictOf,
} from './support/pki.ts'

const hour = 3_600_000
const root = makeCa('root')
const issuing = makeCa('issuing', root)
const device = makeEndEntity(issuing)
const rootCrl = makeCrl(root)
const unknown = 'ERR_PKI_PATH_REVOCATION_UNKNOWN'
const revoked = 'ERR_PKI_PATH_REVOKED'
const base: VerifyPathOptions = optionsFor(device, [issuing], [root])
const judge = (more: Partial<VerifyPathOptions>) => verdictOf({ ...base, revocation: 'checkAll', ...more })
const withCrls = (...crls: Uint8Array[]) => judge({ crls: [rootCrl, ...crls] })
const delta = (baseCrlNumber: bigint) => encodeExtension(extensionOids.deltaCrlIndicator, true, integer(baseCrlNumber))
const scope = (options: Parameters<typeof issuingDistributionPoint>[0]) => ({
  extensions: [issuingDistributionPoint(options)],
})
const lists = (...certificates: TestCertificate[]) => ({
  revoked: certificates.map(({ serialNumber }) => ({ serialNumber })),
})

describe('modes', () => {
  const good = makeCrl(issuing)
  const bad = makeCrl(issuing, lists(device))
  const badCa = makeCrl(root, lists(issuing))
  it.each([
    ['both CRLs', [rootCrl, good], ['accepted', 'accepted', 'accepted']],
    ['the end entity’s alone', [good], [unknown, 'accepted', 'accepted']],
    ['the CA’s alone', [rootCrl], [unknown, unknown, 'accepted']],
    ['none', [], [unknown, unknown, 'accepted']],
    ['an end entity revoked', [rootCrl, bad], [revoked, revoked, revoked]],
    ['a CA revoked', [badCa, good], [revoked, revoked, revoked]],
    ['an end entity revoked, nothing of the CA', [bad], [unknown, revoked, revoked]],
    [
      'a CRL too old',
      [rootCrl, makeCrl(issuing, { nextUpdate: new Date(at.getTime() - 1000) })],
      [unknown, unknown, unknown],
    ],
    [
      'a CRL too old for the CA',
      [makeCrl(root, { nextUpdate: new Date(at.getTime() - 1000) }), good],
      [unknown, unknown, unknown],
    ],
  ] as const)('%s', async (_, crls, verdicts) => {
    const found = []
    for (const revocation of ['checkAll', 'checkEndEntity', 'ifGiven'] as const)
      found.push(await judge({ crls, revocation }))
    expect(found).toEqual(verdicts)
  })

  it('says what is known of each certificate', async () => {
    const crls = [parseCrl(good)]
    const { revocation } = await verifyPath({ ...base, revocation: 'ifGiven', crls })
    const { thisUpdate, nextUpdate } = crls[0]!
    expect(revocation).toEqual([
      { depth: 0, status: 'good', by: 'crl', thisUpdate, nextUpdate },
      { depth: 1, status: 'unchecked' },
    ])
  })

  it('a refusal says which certificate, why and since when', async () => {
    const error = await refusal({ ...base, revocation: 'checkAll', crls: [badCa, good] })
    expect(error.details).toMatchObject({
      depth: 1,
      revocationReason: 'keyCompromise',
      revocationDate: parseCrl(badCa).thisUpdate,
    })
  })
})

describe('a CRL proves nothing', () => {
  const damaged = makeCrl(issuing)
  damaged[damaged.length - 3]! ^= 1
  it.each([
    ['with a damaged signature', damaged, 'not signed by its issuer'],
    ['signed by another key', makeCrl(makeCa('issuing')), 'not signed by its issuer'],
    ['of another issuer', makeCrl(makeCa('other', root)), 'no CRL of the issuer'],
    ['that is not yet valid', makeCrl(issuing, { thisUpdate: new Date(at.getTime() + 1000) }), 'not current'],
    ['without nextUpdate', makeCrl(issuing, { nextUpdate: null }), 'not current'],
    [
      'with an unknown critical extension',
      makeCrl(issuing, { extensions: [encodeExtension('1.2.3.4', true, nullValue())] }),
      '1.2.3.4',
    ],
    ['about CAs alone', makeCrl(issuing, scope({ onlyContainsCACerts: true })), 'scope'],
    [
      'of a distribution point that the certificate does not name',
      makeCrl(issuing, scope({ urls: ['http://a.example/1.crl'] })),
      'scope',
    ],
    ['that is a delta CRL', makeCrl(issuing, { crlNumber: 2n, extensions: [delta(1n)] }), 'no CRL of the issuer'],
  ])('%s', async (_, crl, reason) => {
    const error = await refusal({ ...base, revocation: 'checkAll', crls: [rootCrl, crl] })
    expect(error.code).toBe(unknown)
    expect(error.message).toContain(reason)
  })

  it('signed by a CA without cRLSign', async () => {
    const ca = makeCa('ca', root, { keyUsage: ['keyCertSign'] })
    const options = optionsFor(makeEndEntity(ca), [ca], [root], {
      revocation: 'checkAll',
      crls: [rootCrl, makeCrl(ca)],
    })
    expect((await refusal(options)).message).toContain('may not sign CRLs')
  })

  it('and one that cannot be read is an error', async () => {
    expect(await withCrls(new Uint8Array(9))).toBe('ERR_PKI_DER')
  })
})

describe('a long CRL, which is verified in the thread pool', () => {
  const entries = Array.from({ length: 12_000 }, (_, index) => ({ serialNumber: (0x10_0000 + index).toString(16) }))
  it('says what a short one says', async () => {
    const long = makeCrl(issuing, { revoked: entries })
    expect(long.length).toBeGreaterThan(256 * 1024)
    expect(await withCrls(long)).toBe('accepted')
    expect(await withCrls(makeCrl(issuing, { revoked: [...entries, device] }))).toBe(revoked)
    const damaged = Uint8Array.from(long)
    damaged[damaged.length - 3]! ^= 1
    expect(await withCrls(damaged)).toBe(unknown)
  })
})

describe('scopes', () => {
  const url = 'http://a.example/0.crl'
  const sharded = makeEndEntity(issuing, { extensions: [crlDistributionPoints(['http://a.example/0.pem', url])] })
  const judgeShard = (...crls: Uint8Array[]) => judge({ certificate: sharded.der, crls: [rootCrl, ...crls] })

  it('its own shard counts, another does not', async () => {
    expect(await judgeShard(makeCrl(issuing, scope({ urls: [url] })))).toBe('accepted')
    expect(await judgeShard(makeCrl(issuing, { ...scope({ urls: [url] }), ...lists(sharded) }))).toBe(revoked)
    expect(
      await judgeShard(makeCrl(issuing, { ...scope({ urls: ['http://a.example/1.crl'] }), ...lists(sharded) })),
    ).toBe(unknown)
    expect(await judgeShard(makeCrl(issuing))).toBe('accepted')
  })

  it('end entities alone, CAs alone', async () => {
    const users = makeCrl(issuing, scope({ onlyContainsUserCerts: true }))
    expect(await withCrls(users)).toBe('accepted')
    expect(await judge({ crls: [makeCrl(root, scope({ onlyContainsUserCerts: true })), users] })).toBe(unknown)
    expect(await judge({ crls: [makeCrl(root, scope({ onlyContainsCACerts: true })), users] })).toBe('accepted')
  })
})

describe('several CRLs', () => {
  const old = { thisUpdate: new Date(at.getTime() - 5 * hour), crlNumber: 1n }
  const recent = { thisUpdate: new Date(at.getTime() - hour), crlNumber: 2n }
  it('the newest one speaks: a hold released, a revocation new', async () => {
    const held = { revoked: [{ serialNumber: device.serialNumber, reason: 'certificateHold' }] } as const
    const orders = <Item>(left: Item, right: Item) => [
      [left, right],
      [right, left],
    ]
    for (const crls of orders(makeCrl(issuing, { ...old, ...held }), makeCrl(issuing, recent))) {
      expect(await withCrls(...crls)).toBe('accepted')
    }
    for (const crls of orders(makeCrl(issuing, old), makeCrl(issuing, { ...recent, ...held }))) {
      expect(await withCrls(...crls)).toBe(revoked)
    }
  })

  it('a CA that has changed its key lists with each what it signed with each', async () => {
    const renewed = makeCa('issuing', root)
    const other = makeCrl(renewed, recent)
    const listing = makeCrl(issuing, { ...old, ...lists(device) })
    for (const chain of [
      [issuing.der, renewed.der],
      [renewed.der, issuing.der],
    ]) {
      expect(await judge({ chain, crls: [rootCrl, listing, other] })).toBe(revoked)
      expect(await judge({ chain, crls: [rootCrl, other, listing] })).toBe(revoked)
      expect(await judge({ chain, crls: [rootCrl, other] })).toBe('accepted')
      const stale = makeCrl(issuing, { ...old, ...lists(device), nextUpdate: new Date(at.getTime() - 1000) })
      expect(await judge({ chain, crls: [rootCrl, other, stale] })).toBe(revoked)
    }
  })

  it('what a CRL too old lists stays out', async () => {
    const stale = makeCrl(issuing, { ...lists(device), nextUpdate: new Date(at.getTime() - 1000) })
    expect(await judge({ revocation: 'ifGiven', crls: [stale] })).toBe(revoked)
  })
})

describe('delta CRLs', () => {
  const complete = makeCrl(issuing, { crlNumber: 5n })
  const listing = makeCrl(issuing, {
    crlNumber: 5n,
    revoked: [{ serialNumber: device.serialNumber, reason: 'certificateHold' }],
  })
  const change = (crlNumber: bigint, reason: 'keyCompromise' | 'removeFromCRL', baseCrlNumber = 5n) =>
    makeCrl(issuing, {
      crlNumber,
      extensions: [delta(baseCrlNumber)],
      revoked: [{ serialNumber: device.serialNumber, reason }],
    })
  it.each([
    ['a revocation since', [complete, change(6n, 'keyCompromise')], revoked],
    ['a hold taken back', [listing, change(6n, 'removeFromCRL')], 'accepted'],
    ['the newest delta speaks', [complete, change(6n, 'keyCompromise'), change(7n, 'removeFromCRL')], 'accepted'],
    ['a base that is newer than the CRL takes nothing back', [listing, change(7n, 'removeFromCRL', 6n)], revoked],
    [
      'nor does one of another scope',
      [
        listing,
        makeCrl(issuing, {
          crlNumber: 6n,
          extensions: [delta(5n), issuingDistributionPoint({ onlyContainsUserCerts: true })],
          revoked: [{ serialNumber: device.serialNumber, reason: 'removeFromCRL' }],
        }),
      ],
      revoked,
    ],
    ['what it lists is revoked though its base is not there', [change(7n, 'keyCompromise', 6n), complete], revoked],
    [
      'one older than the CRL says nothing',
      [makeCrl(issuing, { crlNumber: 8n }), change(7n, 'keyCompromise')],
      'accepted',
    ],
    [
      'one by another key says nothing',
      [complete, makeCrl(makeCa('issuing'), { crlNumber: 6n, extensions: [delta(5n)], ...lists(device) })],
      'accepted',
    ],
  ] as const)('%s', async (_, crls, verdict) => {
    expect(await withCrls(...crls)).toBe(verdict)
  })
})

describe('CRLs signed with another key of the CA', () => {
  const signer = (spec: Parameters<typeof makeCa>[2] = {}, issuer = root) =>
    makeCa('issuing', issuer, { basicConstraints: null, keyUsage: ['cRLSign'], ...spec })
  const judgeSigner = (crlSigner: TestCertificate, rootCrls: Uint8Array[] = [rootCrl]) =>
    judge({ chain: [issuing.der, crlSigner.der], crls: [...rootCrls, makeCrl(crlSigner)] })

  it('certified for it by the same anchor', async () => {
    expect(await judgeSigner(signer())).toBe('accepted')
  })
  it('not for signing CRLs, or saying nothing of it', async () => {
    expect(await judgeSigner(signer({ keyUsage: ['digitalSignature'] }))).toBe(unknown)
    expect(await judgeSigner(signer({ keyUsage: null }))).toBe(unknown)
  })
  it('revoked, expired, or by nobody', async () => {
    const crlSigner = signer()
    expect(await judgeSigner(crlSigner, [makeCrl(root, lists(crlSigner))])).toBe(unknown)
    expect(await judgeSigner(signer({ notAfter: new Date(at.getTime() - 1000) }))).toBe(unknown)
    expect(await judgeSigner(signer({}, makeCa('nobody')))).toBe(unknown)
  })
  it('below another anchor that is trusted, too', async () => {
    const otherRoot = makeCa('other root')
    const crlSigner = signer({}, otherRoot)
    const options = { chain: [issuing.der, crlSigner.der], trustAnchors: [root.der, otherRoot.der] }
    expect(await judge({ ...options, crls: [rootCrl, makeCrl(otherRoot), makeCrl(crlSigner)] })).toBe(unknown)
  })
  it('certified by another CA below the same anchor, which could take any name', async () => {
    const sibling = makeCa('sibling', root)
    const crlSigner = signer({}, sibling)
    const chain = [issuing, sibling, crlSigner].map(({ der }) => der)
    const crls = [rootCrl, makeCrl(sibling), makeCrl(crlSigner)]
    expect((await refusal({ ...base, revocation: 'checkAll', chain, crls })).message).toContain('does not vouch for')
  })
  it('whose own status would come from the CRL that it signs', async () => {
    const crlSigner = makeCa('issuing', issuing, { basicConstraints: null, keyUsage: ['cRLSign'] })
    expect(await judgeSigner(crlSigner)).toBe(unknown)
    expect(
      await judge({
        chain: [issuing.der, crlSigner.der],
        crls: [rootCrl, makeCrl(crlSigner, { crlNumber: 2n }), makeCrl(issuing)],
      }),
    ).toBe('accepted')
  })
})

describe('OCSP answers', () => {
  const good: OcspCertificateStatus = { certStatus: 'good' }
  const bad: OcspCertificateStatus = {
    certStatus: 'revoked',
    revocationDate: new Date(at.getTime() - hour),
    reason: 'keyCompromise',
  }
  const delegate = (issuer: TestCertificate, oid: string = extendedKeyUsageOids.ocspSigning) =>
    makeEndEntity(issuer, { subject: named('responder'), extensions: [extendedKeyUsage([oid]), ocspNoCheck()] })

  async function answerOf(
    issuer: TestCertificate,
    status: OcspCertificateStatus,
    about: TestCertificate = device,
    options: { readonly responder?: TestCertificate; readonly now?: Date } = {},
  ): Promise<Uint8Array> {
    const certificate = parseCertificate(issuer.der)
    const signer = softwareSigner((options.responder ?? issuer).key.privateKey)
    const sent = options.responder && {
      der: options.responder.der,
      notAfter: parseCertificate(options.responder.der).notAfter,
    }
    const responder = createOcspResponder({
      authorities: [
        {
          issuer: certificate,
          signing: () => ({ signer, ...(sent ? { certificate: sent } : {}) }),
          status: async () => status,
        },
      ],
      clock: () => options.now ?? at,
    })
    const answer = await responder.answer(encodeOcspRequest([encodeCertId(certificate, about.serialNumber)]))
    return answer.der
  }

  it('by the CA itself, and by its delegate', async () => {
    for (const responder of [undefined, delegate(issuing)]) {
      const answer = (status: OcspCertificateStatus) =>
        answerOf(issuing, status, device, responder ? { responder } : {})
      const { revocation } = await verifyPath({
        ...base,
        revocation: 'checkAll',
        crls: [rootCrl],
        ocspResponses: [await answer(good)],
      })
      expect(revocation[0]).toMatchObject({ depth: 0, status: 'good', by: 'ocsp', thisUpdate: at })
      expect(await judge({ crls: [rootCrl], ocspResponses: [await answer(bad)] })).toBe(revoked)
    }
  })

  it.each<[string, () => Promise<Uint8Array>]>([
    ['by a delegate of another CA', () => answerOf(issuing, good, device, { responder: delegate(makeCa('issuing')) })],
    [
      'by one that is not certified for it',
      () => answerOf(issuing, good, device, { responder: delegate(issuing, extendedKeyUsageOids.clientAuth) }),
    ],
    ['that is too old', () => answerOf(issuing, good, device, { now: new Date(at.getTime() - 48 * hour) })],
    ['of the future', () => answerOf(issuing, good, device, { now: new Date(at.getTime() + hour) })],
  ])('one %s proves nothing, and counts as given', async (_, make) => {
    const ocspResponses = [await make()]
    expect(await judge({ revocation: 'checkEndEntity', ocspResponses })).toBe(unknown)
    expect(await judge({ revocation: 'ifGiven', ocspResponses })).toBe(unknown)
  })

  it('one about another certificate, or none at all, is as good as none', async () => {
    const other = makeEndEntity(issuing)
    for (const ocspResponses of [[await answerOf(issuing, good, other)], [encodeOcspFailure('tryLater')]]) {
      expect(await judge({ revocation: 'checkEndEntity', ocspResponses })).toBe(unknown)
      expect(await judge({ revocation: 'ifGiven', ocspResponses })).toBe('accepted')
    }
    expect(await judge({ ocspResponses: [new Uint8Array(9)] })).toBe('ERR_PKI_DER')
  })

  it('what OCSP or a CRL says is revoked stays out, whatever the other says', async () => {
    const crls = [rootCrl, makeCrl(issuing)]
    expect(await judge({ crls, ocspResponses: [await answerOf(issuing, bad)] })).toBe(revoked)
    expect(
      await judge({ crls: [rootCrl, makeCrl(issuing, lists(device))], ocspResponses: [await answerOf(issuing, good)] }),
    ).toBe(revoked)
    expect(await judge({ crls, ocspResponses: [await answerOf(issuing, good), await answerOf(issuing, bad)] })).toBe(
      revoked,
    )
  })

  it('also about the CA', async () => {
    const ocspResponses = [await answerOf(root, good, issuing), await answerOf(issuing, good)]
    expect(await judge({ ocspResponses })).toBe('accepted')
    expect(await judge({ ocspResponses: [await answerOf(root, bad, issuing), ocspResponses[1]!] })).toBe(revoked)
  })
})
