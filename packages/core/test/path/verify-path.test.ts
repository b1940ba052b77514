import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  encodePem,
  isPkiError,
  memoryKeyring,
  memoryStore,
  openFleet,
  parseCertificate,
  verifyPath,
} from '@fleetcert/core'
import { encodeExtension, extendedKeyUsage, extendedKeyUsageOids } from '@fleetcert/x509'
import { nullValue, objectIdentifier, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import {
  after,
  algorithms,
  at,
  before,
  commonNamesOf,
  keyOf,
  makeCa,
  makeCertificate,
  makeEndEntity,
  named,
  optionsFor,
  pssKeyOf,
  refusal,
  verdictOf,
} from './support/pki.ts'

const root = makeCa('root')
const issuing = makeCa('issuing', root)
const device = makeEndEntity(issuing)
const { clientAuth, serverAuth, anyExtendedKeyUsage } = extendedKeyUsageOids
const second = 1000

describe('a good chain', () => {
  it('resolves its path, target first, anchor last, and what it took', async () => {
    const verified = await verifyPath(optionsFor(device, [issuing], [root]))
    expect(commonNamesOf(verified.path)).toEqual(['device-1', 'issuing', 'root'])
    expect(verified.trustAnchor).toBe(verified.path.at(-1))
    expect(verified.policies).toEqual([])
    expect(verified.revocation).toEqual([])
    expect(verified.work).toMatchObject({ certificates: 1, signatures: 2, steps: 2, nameComparisons: 0, fetches: 0 })
  })

  it('takes PEM, DER and parsed certificates, bundles, and any order with anything in it', async () => {
    const pem = ({ der }: { readonly der: Uint8Array }) => encodePem('CERTIFICATE', der)
    const stranger = makeCa('stranger')
    const chain = [pem(device) + pem(root), new Uint8Array(50), stranger.der, parseCertificate(issuing.der)]
    const options = optionsFor(device, [], [], {
      chain,
      trustAnchors: pem(stranger) + pem(root),
      certificate: pem(device),
    })
    expect(commonNamesOf((await verifyPath(options)).path)).toEqual(['device-1', 'issuing', 'root'])
  })

  it('of a fleet, with its CRLs', async () => {
    const fleet = await openFleet({
      store: memoryStore(),
      keyring: memoryKeyring(),
      background: false,
      clock: () => at,
    })
    const { certificate, chain, trustAnchors } = await fleet.enroll('device-1')
    const crls: Uint8Array[] = []
    for await (const { issuerKeyId } of fleet.issuers()) crls.push((await fleet.crl({ issuerKeyId })).der)
    const options = { certificate, chain, trustAnchors, at, purpose: 'clientAuth', revocation: 'checkAll' } as const
    const { path, revocation } = await verifyPath({ ...options, crls })
    expect(path).toHaveLength(3)
    expect(revocation.map(({ status }) => status)).toEqual(['good', 'good'])
    await fleet.revoke('device-1', { reason: 'superseded' })
    const fresh: Uint8Array[] = []
    for await (const { issuerKeyId } of fleet.issuers()) fresh.push((await fleet.crl({ issuerKeyId })).der)
    const error = await refusal({ ...options, crls: fresh })
    expect(error.code).toBe('ERR_PKI_PATH_REVOKED')
    expect(error.details).toMatchObject({ depth: 0, subject: 'CN=device-1', revocationReason: 'superseded' })
    await fleet.close()
  })

  it('with an issuer that is itself a trust anchor ends there', async () => {
    const { path } = await verifyPath(optionsFor(device, [], [issuing, root]))
    expect(commonNamesOf(path)).toEqual(['device-1', 'issuing'])
  })

  it('with an anchor of version 1, which says nothing of what it is', async () => {
    const old = makeCertificate({ subject: named('old'), version1: true })
    expect(await verdictOf(optionsFor(makeEndEntity(old), [], [old]))).toBe('accepted')
  })
})

describe('refusals say which certificate and which rule', () => {
  const ca = (spec: Parameters<typeof makeCa>[2]) => makeCa('ca', root, spec)
  const below = (issuer: ReturnType<typeof makeCa>) => optionsFor(makeEndEntity(issuer), [issuer], [root])
  const endEntity = (spec: Parameters<typeof makeEndEntity>[1]) =>
    optionsFor(makeEndEntity(issuing, spec), [issuing], [root])
  const unknownExtension = encodeExtension('1.2.3.4', true, nullValue())
  const tampered = Uint8Array.from(device.der)
  tampered[tampered.length - 3]! ^= 1

  it.each<[string, Parameters<typeof verifyPath>[0], string, number, string]>([
    ['no issuer at hand', optionsFor(device, [], [root]), 'ERR_PKI_PATH_NOT_FOUND', 0, '6.1'],
    ['no trust anchor at all', optionsFor(device, [issuing], []), 'ERR_PKI_PATH_NOT_FOUND', 0, '6.1'],
    [
      'a signature damaged',
      { ...optionsFor(device, [issuing], [root]), certificate: tampered },
      'ERR_PKI_PATH_SIGNATURE',
      0,
      '(a) (1)',
    ],
    [
      'another CA of the same name',
      optionsFor(device, [makeCa('issuing', root)], [root]),
      'ERR_PKI_PATH_SIGNATURE',
      0,
      '(a) (1)',
    ],
    [
      'a root of the same name',
      optionsFor(device, [issuing], [makeCa('root')]),
      'ERR_PKI_PATH_SIGNATURE',
      1,
      '(a) (1)',
    ],
    [
      'an end entity expired',
      endEntity({ notAfter: new Date(at.getTime() - second) }),
      'ERR_PKI_PATH_EXPIRED',
      0,
      '(a) (2)',
    ],
    [
      'an end entity to come',
      endEntity({ notBefore: new Date(at.getTime() + second) }),
      'ERR_PKI_PATH_NOT_YET_VALID',
      0,
      '(a) (2)',
    ],
    ['a CA expired', below(ca({ notAfter: new Date(at.getTime() - second) })), 'ERR_PKI_PATH_EXPIRED', 1, '(a) (2)'],
    [
      'a CA to come',
      below(ca({ notBefore: new Date(at.getTime() + second) })),
      'ERR_PKI_PATH_NOT_YET_VALID',
      1,
      '(a) (2)',
    ],
    [
      'an anchor expired',
      { ...optionsFor(device, [issuing], [root]), at: new Date(after.getTime() + second) },
      'ERR_PKI_PATH_EXPIRED',
      2,
      '(a) (2)',
    ],
    ['an issuer without basicConstraints', below(ca({ basicConstraints: null })), 'ERR_PKI_PATH_NOT_A_CA', 1, '(k)'],
    ['an issuer that says cA FALSE', below(ca({ basicConstraints: { cA: false } })), 'ERR_PKI_PATH_NOT_A_CA', 1, '(k)'],
    ['an issuer of version 1', below(ca({ version1: true })), 'ERR_PKI_PATH_NOT_A_CA', 1, '(k)'],
    ['a CA that may not sign certificates', below(ca({ keyUsage: ['cRLSign'] })), 'ERR_PKI_PATH_KEY_USAGE', 1, '(n)'],
    [
      'an unknown critical extension',
      endEntity({ extensions: [unknownExtension] }),
      'ERR_PKI_PATH_EXTENSION',
      0,
      '(f)',
    ],
    ['one of a CA', below(ca({ extensions: [unknownExtension] })), 'ERR_PKI_PATH_EXTENSION', 1, '(o)'],
    [
      'another purpose',
      endEntity({ extensions: [extendedKeyUsage([serverAuth])] }),
      'ERR_PKI_PATH_PURPOSE',
      0,
      '4.2.1.12',
    ],
    [
      'a CA for another purpose',
      below(ca({ extensions: [extendedKeyUsage([serverAuth])] })),
      'ERR_PKI_PATH_PURPOSE',
      1,
      '4.2.1.12',
    ],
    ['a key for something else', endEntity({ keyUsage: ['keyEncipherment'] }), 'ERR_PKI_PATH_KEY_USAGE', 0, '4.2.1.12'],
  ])('%s', async (_, options, code, depth, rule) => {
    const error = await refusal(options)
    expect(error.code).toBe(code)
    expect(error.details).toMatchObject({ depth, rule: expect.stringContaining(rule) })
    expect(error.message).toContain(`depth ${depth}`)
  })

  it('an anchor that is no CA issues nothing, self-signed or not', async () => {
    const pin = makeCertificate({ subject: named('pin'), basicConstraints: { cA: false } })
    expect(await verdictOf(optionsFor(makeEndEntity(pin), [], [pin]))).toBe('ERR_PKI_PATH_NOT_A_CA')
    const bare = makeCertificate({ subject: named('bare'), keyUsage: ['digitalSignature'] })
    expect(await verdictOf(optionsFor(makeEndEntity(bare), [], [bare]))).toBe('ERR_PKI_PATH_NOT_A_CA')
  })

  it('an anchor’s own path length binds', async () => {
    const short = makeCa('short', undefined, { basicConstraints: { cA: true, pathLength: 0 } })
    const middle = makeCa('middle', short)
    expect(await verdictOf(optionsFor(makeEndEntity(short), [], [short]))).toBe('accepted')
    const error = await refusal(optionsFor(makeEndEntity(middle), [middle], [short]))
    expect(error.code).toBe('ERR_PKI_PATH_LENGTH')
    expect(error.details).toMatchObject({ depth: 1 })
  })
})

describe('the edges of validity', () => {
  it.each([
    ['notBefore itself', before, 'accepted'],
    ['just before it', new Date(before.getTime() - 1), 'ERR_PKI_PATH_NOT_YET_VALID'],
    ['notAfter itself', after, 'accepted'],
    ['its last millisecond', new Date(after.getTime() + 999), 'accepted'],
    ['the second after it', new Date(after.getTime() + 1000), 'ERR_PKI_PATH_EXPIRED'],
  ])('%s', async (_, moment, verdict) => {
    const lasting = makeCa('lasting', undefined, { notBefore: new Date(0), notAfter: new Date('2049-01-01T00:00:00Z') })
    expect(await verdictOf(optionsFor(makeEndEntity(lasting), [], [lasting], { at: moment }))).toBe(verdict)
  })
})

describe('purposes', () => {
  const chainOf = (...oids: string[]) =>
    makeEndEntity(issuing, oids.length === 0 ? {} : { extensions: [extendedKeyUsage(oids)] })
  it.each([
    ['no extendedKeyUsage', [], 'clientAuth', 'accepted'],
    ['the purpose among others', [serverAuth, clientAuth], 'clientAuth', 'accepted'],
    ['anyExtendedKeyUsage', [anyExtendedKeyUsage], 'serverAuth', 'accepted'],
    ['any asked', [serverAuth], 'any', 'accepted'],
    ['an OID asked and there', ['1.2.3.4'], '1.2.3.4', 'accepted'],
    ['an OID asked and not there', [clientAuth], '1.2.3.4', 'ERR_PKI_PATH_PURPOSE'],
  ] as const)('%s', async (_, oids, purpose, verdict) => {
    expect(await verdictOf(optionsFor(chainOf(...oids), [issuing], [root], { purpose }))).toBe(verdict)
  })
})

describe('several ways up', () => {
  it('a cross certificate leads to the anchor that is trusted', async () => {
    const otherRoot = makeCa('other root')
    const crossed = makeCa('issuing', otherRoot, { key: issuing.key })
    for (const chain of [
      [issuing, crossed],
      [crossed, issuing],
    ]) {
      const { path } = await verifyPath(optionsFor(device, chain, [otherRoot]))
      expect(commonNamesOf(path)).toEqual(['device-1', 'issuing', 'other root'])
    }
  })

  it('an expired issuer is passed by for one that is not', async () => {
    const expired = makeCa('issuing', root, { key: issuing.key, notAfter: new Date(at.getTime() - second) })
    expect(await verdictOf(optionsFor(device, [expired, issuing], [root]))).toBe('accepted')
  })

  it('key identifiers order, and do not rule out', async () => {
    const impostor = makeCa('issuing', root)
    const { work } = await verifyPath(optionsFor(device, [impostor, issuing], [root]))
    expect(work.signatures).toBe(2)
    const wrong = makeEndEntity(issuing, { withoutKeyIdentifiers: true, keyUsage: ['digitalSignature'] })
    expect(await verdictOf(optionsFor(wrong, [impostor, issuing], [root]))).toBe('accepted')
  })

  it('a key rolled over: old with new, new with old', async () => {
    const newRoot = makeCa('root')
    const oldWithNew = makeCa('root', newRoot, { key: root.key })
    const { path } = await verifyPath(optionsFor(device, [issuing, oldWithNew], [newRoot]))
    expect(commonNamesOf(path)).toEqual(['device-1', 'issuing', 'root', 'root'])
    // "pathLenConstraint … the maximum number of non-self-issued intermediate certificates".
    const short = makeCa('root', undefined, { basicConstraints: { cA: true, pathLength: 1 } })
    const rolled = makeCa('root', short, { key: root.key })
    expect(await verdictOf(optionsFor(device, [issuing, rolled], [short]))).toBe('accepted')
  })

  it('two CAs that certify each other are no way up', async () => {
    const left = makeCa('left')
    const right = makeCa('right', left)
    const leftByRight = makeCa('left', right, { key: left.key })
    const error = await refusal(optionsFor(makeEndEntity(left), [left, right, leftByRight], [root]))
    expect(error.code).toBe('ERR_PKI_PATH_NOT_FOUND')
  })

  it('shows the failure of the path that came furthest', async () => {
    const expired = makeCa('issuing', root, { key: issuing.key, notAfter: new Date(at.getTime() - second) })
    const stranger = makeCa('issuing', makeCa('nobody'))
    expect(await verdictOf(optionsFor(device, [stranger, expired], [root]))).toBe('ERR_PKI_PATH_EXPIRED')
  })
})

describe('names that match though they differ', () => {
  const issuerName = [[{ type: 'O', value: 'Acme' }], [{ type: 'CN', value: 'issuing' }]]
  it.each([
    ['case', [[{ type: 'O', value: 'ACME' }], [{ type: 'CN', value: 'Issuing' }]], 'accepted'],
    ['blanks', [[{ type: 'O', value: '  Acme ' }], [{ type: 'CN', value: 'issuing ' }]], 'accepted'],
    [
      'string type',
      [[{ type: 'O', value: 'Acme', encoding: 'printableString' }], [{ type: 'CN', value: 'issuing' }]],
      'accepted',
    ],
    ['an invisible character', [[{ type: 'O', value: 'Ac\u00adme' }], [{ type: 'CN', value: 'issuing' }]], 'accepted'],
    ['full width', [[{ type: 'O', value: 'Ａcme' }], [{ type: 'CN', value: 'issuing' }]], 'accepted'],
    ['another order', [...issuerName].reverse(), 'ERR_PKI_PATH_NOT_FOUND'],
    ['one RDN for two', [issuerName.flat()], 'ERR_PKI_PATH_NOT_FOUND'],
    ['an RDN more', [...issuerName, [{ type: 'OU', value: 'x' }]], 'ERR_PKI_PATH_NOT_FOUND'],
    ['another type', [[{ type: 'OU', value: 'Acme' }], [{ type: 'CN', value: 'issuing' }]], 'ERR_PKI_PATH_NOT_FOUND'],
    ['none', [], 'ERR_PKI_PATH_NOT_FOUND'],
  ] as const)('%s', async (_, name, verdict) => {
    const signed = makeEndEntity(issuing, { issuerName: name as never })
    expect(await verdictOf(optionsFor(signed, [issuing], [root]))).toBe(verdict)
  })

  it('a value that would take long to compare is refused', async () => {
    const long = makeEndEntity(issuing, { subject: [[{ type: '1.2.3.4', value: `a${'\u0301\u0323'.repeat(600)}` }]] })
    expect(await verdictOf(optionsFor(long, [issuing], [root]))).toBe('ERR_PKI_NAME')
  })

  it('an empty subject is a subject', async () => {
    expect(await verdictOf(optionsFor(makeEndEntity(issuing, { subject: [] }), [issuing], [root]))).toBe('accepted')
  })
})

describe('signed by its own key', () => {
  it('is told apart from a missing issuer', async () => {
    const pin = makeEndEntity(undefined, { basicConstraints: { cA: true } })
    const alone = await refusal(optionsFor(pin, [], [root]))
    expect(alone.code).toBe('ERR_PKI_PATH_SELF_SIGNED')
    const anchored = await refusal(optionsFor(pin, [pin], [pin]))
    expect(anchored.code).toBe('ERR_PKI_PATH_SELF_SIGNED')
    expect(anchored.message).toContain('itself one of the trust anchors')
  })

  it('also beside an anchor of the same name', async () => {
    const subject = named('default')
    const [pin, other] = [makeCertificate({ subject }), makeCertificate({ subject, basicConstraints: { cA: true } })]
    expect(await verdictOf(optionsFor(pin, [], [other]))).toBe('ERR_PKI_PATH_SELF_SIGNED')
  })

  it('is not believed where the signature is not', async () => {
    const forged = makeCertificate({ subject: named('x'), issuerName: named('x') }, issuing)
    expect(await verdictOf(optionsFor(forged, [], [root]))).toBe('ERR_PKI_PATH_NOT_FOUND')
  })
})

describe('signature algorithms', () => {
  const pairs = {
    'ecdsa-with-SHA384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'ecdsa-with-SHA512': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    'ecdsa-with-SHA256': () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }),
    sha256WithRSAEncryption: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    sha384WithRSAEncryption: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    sha512WithRSAEncryption: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    'id-Ed25519': () => generateKeyPairSync('ed25519'),
    'id-Ed448': () => generateKeyPairSync('ed448'),
  } as const
  it.each(Object.entries(pairs))('%s is verified, and a damaged one refused', async (name, make) => {
    const ca = makeCa('ca', undefined, { key: keyOf(make(), name as keyof typeof pairs) })
    const good = makeEndEntity(ca)
    expect(await verdictOf(optionsFor(good, [], [ca]))).toBe('accepted')
    const damaged = Uint8Array.from(good.der)
    damaged[damaged.length - 3]! ^= 1
    expect(await verdictOf({ ...optionsFor(good, [], [ca]), certificate: damaged })).toBe('ERR_PKI_PATH_SIGNATURE')
  })

  it.each(['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const)('%s, where Node has it', async name => {
    const pair = generateKeyPairSync(name as 'ed25519')
    const ca = makeCa('ca', undefined, { key: keyOf(pair, `id-${name}`) })
    expect(await verdictOf(optionsFor(makeEndEntity(ca), [], [ca]))).toBe('accepted')
  })

  it.each([
    [
      'SHA-1 with ECDSA',
      () => keyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ecdsa-with-SHA1'),
      'signature algorithm 1.2.840.10045.4.1',
    ],
    [
      'SHA-1 with RSA',
      () => keyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha1WithRSAEncryption'),
      'signature algorithm 1.2.840.113549.1.1.5',
    ],
    [
      'MD5',
      () => keyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'md5WithRSAEncryption'),
      'signature algorithm 1.2.840.113549.1.1.4',
    ],
    [
      'RSA of 1024 bits',
      () => keyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }), 'sha256WithRSAEncryption'),
      '1024 bits',
    ],
    ['a small curve', () => keyOf(generateKeyPairSync('ec', { namedCurve: 'secp192k1' })), 'secp192k1'],
    [
      'a curve spelled out',
      () => keyOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })),
      'spelled out',
    ],
    ['DSA', () => keyOf(generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 })), 'DSA'],
  ])('%s is refused by name', async (_, make, reason) => {
    const ca = makeCa('ca', undefined, { key: make() })
    const error = await refusal(optionsFor(makeEndEntity(ca), [], [ca]))
    expect(error.code).toBe('ERR_PKI_PATH_ALGORITHM')
    expect(error.message).toContain(reason)
  })

  it('RSASSA-PSS, with keys for all and keys for it alone', async () => {
    const pairs = [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    ]
    for (const pair of pairs) {
      const judge = (options?: Parameters<typeof pssKeyOf>[1]) => {
        const ca = makeCa('ca', undefined, { key: pssKeyOf(pair, options) })
        return verdictOf(optionsFor(makeEndEntity(ca), [], [ca]))
      }
      expect(await judge()).toBe('accepted')
      expect(await judge({ saltLength: 20 })).toBe('ERR_PKI_PATH_SIGNATURE')
      expect(await judge({ saltLength: 100_000 })).toBe('ERR_PKI_PATH_ALGORITHM')
      expect(await judge({ maskHash: '2.16.840.1.101.3.4.2.2' })).toBe('ERR_PKI_PATH_ALGORITHM')
      expect(await judge({ maskHash: '1.3.14.3.2.26' })).toBe('ERR_PKI_PATH_ALGORITHM')
      expect(await judge({ withoutParameters: true })).toBe('ERR_PKI_PATH_ALGORITHM')
    }
  })

  it('a key for RSASSA-PSS alone signs nothing else', async () => {
    const pair = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    const ca = makeCa('ca', undefined, { key: pssKeyOf(pair) })
    const lying = { ...ca, key: { ...ca.key, algorithm: algorithms.sha256WithRSAEncryption[0] } }
    expect(await verdictOf(optionsFor(makeEndEntity(lying), [], [ca]))).toBe('ERR_PKI_PATH_SIGNATURE')
  })

  it('parameters where there must be none, and two algorithms in one certificate', async () => {
    const ca = makeCa('ca')
    const withNull = {
      ...ca,
      key: { ...ca.key, algorithm: sequence(objectIdentifier('1.2.840.10045.4.3.2'), nullValue()) },
    }
    expect(await verdictOf(optionsFor(makeEndEntity(withNull), [], [ca]))).toBe('ERR_PKI_PATH_ALGORITHM')
    const { der } = makeEndEntity(ca)
    const outer = Buffer.from(der).lastIndexOf(Buffer.from(algorithms['ecdsa-with-SHA256'][0]))
    const two = Uint8Array.from(der)
    // SHA-384 outside, SHA-256 inside.
    two[outer + 11] = 3
    expect(await verdictOf({ ...optionsFor(device, [], [ca]), certificate: two })).toBe('ERR_PKI_PATH_SIGNATURE')
  })

  it('the target’s own key is held to the same', async () => {
    const weak = keyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }), 'sha256WithRSAEncryption')
    const error = await refusal(optionsFor(makeEndEntity(issuing, { key: weak }), [issuing], [root]))
    expect(error.code).toBe('ERR_PKI_PATH_ALGORITHM')
    expect(error.details).toMatchObject({ depth: 0, reason: expect.stringContaining('1024 bits') })
  })

  it('an anchor’s own signature is nobody’s business', async () => {
    const key = keyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha1WithRSAEncryption')
    const sha1Root = makeCa('sha1 root', undefined, { key })
    const issuer = {
      ...sha1Root,
      key: keyOf({ publicKey: createPublicKey(key.privateKey), privateKey: key.privateKey }, 'sha256WithRSAEncryption'),
    }
    expect(await verdictOf(optionsFor(makeEndEntity(issuer), [], [sha1Root]))).toBe('accepted')
  })
})

describe('what callers get wrong', () => {
  const good = optionsFor(device, [issuing], [root])
  it.each([
    ['at', { ...good, at: new Date(Number.NaN) }],
    ['revocation', { ...good, revocation: 'soft' as never }],
    ['revocation', { ...good, revocation: undefined as never }],
    ['purpose', { ...good, purpose: 'tls' as never }],
    ['crls', { ...good, crls: [new Uint8Array()] }],
    ['crls', { ...good, revocation: 'checkAll' as const, crls: '-----BEGIN X509 CRL-----' as never }],
    ['crls', { ...good, revocation: 'checkAll' as const, crls: new Uint8Array(9) as never }],
    ['ocspResponses', { ...good, revocation: 'checkAll' as const, ocspResponses: new Uint8Array(9) as never }],
    ['limits.paths', { ...good, limits: { paths: 1 } as never }],
  ])('%s', async (label, options) => {
    await expect(verifyPath(options)).rejects.toThrow(TypeError)
    await expect(verifyPath(options)).rejects.toThrow(`"${label}"`)
  })

  it('limits out of range', async () => {
    await expect(verifyPath({ ...good, limits: { steps: -1 } })).rejects.toThrow(RangeError)
  })

  it('a target or an anchor that cannot be read', async () => {
    expect(await verdictOf({ ...good, certificate: new Uint8Array(9) })).toBe('ERR_PKI_DER')
    expect(await verdictOf({ ...good, trustAnchors: [new Uint8Array(9)] })).toBe('ERR_PKI_DER')
  })

  it('an abort', async () => {
    const reason = new Error('enough')
    await expect(verifyPath(good, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(verifyPath(good, { signal: AbortSignal.abort() })).rejects.not.toSatisfy(error => isPkiError(error))
  })
})
