import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitString, concat, context, integer, nullValue, objectIdentifier, sequence, tlv } from '../src/der/index.ts'
import {
  authorityKeyIdentifier,
  type CrlReason,
  crlNumberExtension,
  deltaCrlIndicator,
  encodeCertificateList,
  encodeCertificateListParts,
  encodeExtension,
  encodeName,
  encodePem,
  encodeRevokedEntries,
  encodeRevokedEntry,
  encodeTbsCertList,
  encodeTbsCertListParts,
  encodeTime,
  extensionOids,
  freshestCrl,
  issuingDistributionPoint,
  keyIdentifierOf,
  type MessageSigner,
  parseCertificate,
  parseCrl,
  reasonCodeExtension,
  signatureAlgorithmIdentifier,
  signatureVerifier,
  verifySignature,
} from '../src/index.ts'
import { expectPkiError } from './support/errors.ts'
import { caName, issue, issueCa, makeSigner } from './support/issue.ts'
import { describeOpenssl } from './support/openssl.ts'

const signer = makeSigner()
const issuerDer = encodeName(caName)
const thisUpdate = new Date('2024-06-01T00:00:00Z')
const nextUpdate = new Date('2054-06-01T00:00:00Z')
const revocationDate = new Date('2024-05-01T12:00:00Z')
const invalidityDate = new Date('2024-04-01T00:00:00Z')
const extensionsOf = (key: MessageSigner) => [
  authorityKeyIdentifier(keyIdentifierOf(key.publicKey)),
  crlNumberExtension(7n),
  issuingDistributionPoint({ onlyContainsUserCerts: true }),
]
const entry = (serialNumber: string, reason: CrlReason = 'unspecified', since?: Date) =>
  encodeRevokedEntry({ serialNumber, revocation: { revocationDate, reason, ...(since && { invalidityDate: since }) } })

async function signCrl(
  entries: readonly Uint8Array[],
  key: MessageSigner = signer,
  extensions: readonly Uint8Array[] = extensionsOf(key),
): Promise<Uint8Array> {
  const tbs = encodeTbsCertList({
    signatureAlgorithm: key.algorithm,
    issuerDer,
    thisUpdate,
    nextUpdate,
    entries,
    extensions,
  })
  return encodeCertificateList(tbs, key.algorithm, await key.sign(tbs))
}

const identifier = signatureAlgorithmIdentifier(signer.algorithm)
const signature = bitString(new Uint8Array(8))
/** The fields of a well-formed TBSCertList, to be replaced one by one; an empty list leaves a field out. */
function tbsWith(fields: Record<string, Uint8Array | readonly Uint8Array[]>): Uint8Array {
  const all = {
    version: integer(1),
    signature: identifier,
    issuer: issuerDer,
    thisUpdate: encodeTime(thisUpdate),
    nextUpdate: encodeTime(nextUpdate),
    revokedCertificates: sequence(entry('05')),
    extensions: context(0, true, sequence(crlNumberExtension(1n))),
    ...fields,
  }
  return sequence(...Object.values(all).flat())
}
const unsigned = (tbs: Uint8Array) => sequence(tbs, identifier, signature)

describe('encodeRevokedEntry', () => {
  it('leaves out the reason unspecified', () => {
    expect(entry('0a')).toEqual(sequence(integer(10), encodeTime(revocationDate)))
    expect(entry('ff')).toEqual(sequence(integer(255), encodeTime(revocationDate)))
    expect(entry('0a', 'keyCompromise')).toEqual(
      sequence(integer(10), encodeTime(revocationDate), sequence(reasonCodeExtension('keyCompromise'))),
    )
  })

  it('refuses what is no hexadecimal', () => {
    expect(() => entry('xyz')).toThrow(TypeError)
    expect(() => entry('0a', 'nonsense' as never)).toThrow(TypeError)
  })
})

describe('parseCrl', () => {
  it('gives back what was put in', async () => {
    const der = await signCrl([
      entry('0a'),
      entry('ff', 'keyCompromise', invalidityDate),
      entry('0102', 'unspecified', invalidityDate),
    ])
    const crl = parseCrl(der)
    expect(crl).toMatchObject({
      version: 2,
      issuer: caName,
      issuerDer,
      thisUpdate,
      nextUpdate,
      crlNumber: 7n,
      authorityKeyIdentifier: keyIdentifierOf(signer.publicKey),
      issuingDistributionPoint: { urls: [], onlyContainsUserCerts: true, onlyContainsCACerts: false },
      signatureAlgorithm: signer.algorithm,
      signatureAlgorithmOid: '1.2.840.10045.4.3.2',
      unhandledCriticalExtensions: [],
    })
    expect(crl.entries).toEqual([
      { serialNumber: '0a', revocationDate },
      { serialNumber: 'ff', revocationDate, reason: 'keyCompromise', invalidityDate },
      { serialNumber: '0102', revocationDate, invalidityDate },
    ])
    expect(verifySignature(signer.algorithm, signer.publicKey, crl.tbsCertList, crl.signature)).toBe(true)
    expect(parseCrl(encodePem('X509 CRL', der))).toEqual(crl)
  })

  it('reads a list of nothing', async () => {
    const crl = parseCrl(await signCrl([]))
    expect(crl.entries).toEqual([])
    expect(crl.tbsCertList).toEqual(
      tbsWith({ revokedCertificates: [], extensions: context(0, true, sequence(...extensionsOf(signer))) }),
    )
  })

  it('reads version 1, and lists without nextUpdate', () => {
    expect(parseCrl(unsigned(tbsWith({ version: [], extensions: [], nextUpdate: [] })))).toMatchObject({
      version: 1,
      nextUpdate: undefined,
      crlNumber: undefined,
      entries: [{ serialNumber: '05' }],
    })
  })

  it('says which critical extensions it did not interpret', () => {
    const withIssuer = sequence(
      integer(5),
      encodeTime(revocationDate),
      sequence(encodeExtension('2.5.29.29', true, sequence())),
    )
    const lists = context(
      0,
      true,
      sequence(encodeExtension('1.2.4', true, nullValue()), encodeExtension('1.2.3', false, nullValue())),
    )
    const crl = parseCrl(
      unsigned(tbsWith({ revokedCertificates: sequence(withIssuer, withIssuer), extensions: lists })),
    )
    expect(crl.unhandledCriticalExtensions).toEqual(['2.5.29.29', '1.2.4'])
  })

  it('trusts no algorithm that is named twice differently', () => {
    const crl = parseCrl(unsigned(tbsWith({ signature: signatureAlgorithmIdentifier('id-Ed25519') })))
    expect(crl.signatureAlgorithm).toBeUndefined()
  })

  const withExtensions = (...extensions: Uint8Array[]) =>
    tbsWith({ extensions: context(0, true, sequence(...extensions)) })
  it.each<[string, Uint8Array]>([
    ['version 1 written out', tbsWith({ version: integer(0) })],
    ['version 3', tbsWith({ version: integer(2) })],
    ['no thisUpdate', tbsWith({ thisUpdate: [], nextUpdate: [] })],
    ['three times', tbsWith({ nextUpdate: [encodeTime(nextUpdate), encodeTime(nextUpdate)] })],
    ['an empty list of entries', tbsWith({ revokedCertificates: sequence() })],
    ['an entry without date', tbsWith({ revokedCertificates: sequence(sequence(integer(5))) })],
    [
      'an entry with too much',
      tbsWith({
        revokedCertificates: sequence(
          sequence(integer(5), encodeTime(thisUpdate), sequence(reasonCodeExtension('superseded')), nullValue()),
        ),
      }),
    ],
    [
      'an entry with no extension in its extensions',
      tbsWith({ revokedCertificates: sequence(sequence(integer(5), encodeTime(thisUpdate), sequence())) }),
    ],
    [
      'an entry with an unknown reason',
      tbsWith({
        revokedCertificates: sequence(
          sequence(
            integer(5),
            encodeTime(thisUpdate),
            sequence(encodeExtension('2.5.29.21', false, tlv(10, Uint8Array.of(7)))),
          ),
        ),
      }),
    ],
    [
      'a serial number of 22 octets',
      tbsWith({ revokedCertificates: sequence(sequence(integer(2n ** 170n), encodeTime(thisUpdate))) }),
    ],
    ['extensions in version 1', tbsWith({ version: [] })],
    [
      'entry extensions in version 1',
      tbsWith({ version: [], extensions: [], revokedCertificates: sequence(entry('05', 'superseded')) }),
    ],
    ['an extension twice', withExtensions(crlNumberExtension(1n), crlNumberExtension(2n))],
    ['no extension in extensions', withExtensions()],
    ['a malformed CRLNumber', withExtensions(encodeExtension('2.5.29.20', false, nullValue()))],
    [
      'something behind the extensions',
      tbsWith({ extensions: [context(0, true, sequence(crlNumberExtension(1n))), nullValue()] }),
    ],
  ])('refuses: %s', (_, tbs) => {
    expect(() => parseCrl(unsigned(tbs))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_PKI_(?:DER|CRL)$/) }),
    )
  })

  it('refuses malformed envelopes', () => {
    const tbs = tbsWith({})
    expect(parseCrl(unsigned(tbs)).crlNumber).toBe(1n)
    expectPkiError(() => parseCrl(sequence(tbs, identifier)), 'ERR_PKI_DER')
    expectPkiError(() => parseCrl(Uint8Array.from([...unsigned(tbs), 0])), 'ERR_PKI_DER', 'behind the end')
    expectPkiError(() => parseCrl(sequence(tbs, identifier, bitString(Uint8Array.of(0x80), 7))), 'ERR_PKI_CRL')
    expectPkiError(() => parseCrl(encodePem('CRL', unsigned(tbs))), 'ERR_PKI_PEM', 'no X509 CRL block')
    expectPkiError(() => parseCrl(sequence(sequence(objectIdentifier('1.2.3')))), 'ERR_PKI_DER')
    expect(() => parseCrl({} as never)).toThrow(TypeError)
    expectPkiError(() => parseCrl(new Uint8Array(64 * 1024 * 1024 + 1)), 'ERR_PKI_TOO_LARGE')
  })

  it('reads any list of serial numbers', async () => {
    const reasons: readonly CrlReason[] = [
      'unspecified',
      'keyCompromise',
      'superseded',
      'certificateHold',
      'aACompromise',
    ]
    const serialNumber = fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .filter(octets => octets[0] !== 0)
      .map(octets => Buffer.from(octets).toString('hex'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(serialNumber, fc.constantFrom(...reasons)), { maxLength: 20 }), async list => {
        const crl = parseCrl(await signCrl(list.map(([serial, reason]) => entry(serial, reason))))
        expect(crl.entries.map(({ serialNumber: serial, reason = 'unspecified' }) => [serial, reason])).toEqual(list)
      }),
      { numRuns: 50 },
    )
  })

  it('reads 50,000 entries', async () => {
    const entries = Array.from({ length: 50_000 }, (_, index) =>
      entry((index + 0x1000000).toString(16).padStart(8, '0'), 'superseded'),
    )
    const crl = parseCrl(await signCrl(entries))
    expect(crl.entries.length).toBe(50_000)
    expect(crl.entries[49_999]).toEqual({ serialNumber: '0100c34f', revocationDate, reason: 'superseded' })
  })
})

describe('encodeRevokedEntries', () => {
  const serials = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 64 }).map(octets => Buffer.from(octets).toString('hex')),
    fc.constantFrom('00', '0000', '01', '7f', '80', 'ff', '00ff', '0001', `7f${'00'.repeat(19)}`, 'ABCD'),
  )
  const dates = fc.date({ min: new Date(0), max: new Date('2060-01-01'), noInvalidDate: true })
  const revocations = fc.record(
    {
      revocationDate: dates,
      reason: fc.constantFrom<CrlReason>('unspecified', 'keyCompromise', 'removeFromCRL'),
      invalidityDate: dates,
    },
    { requiredKeys: ['revocationDate', 'reason'] },
  )

  it('writes what encodeRevokedEntry writes, one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ serialNumber: serials, revocation: revocations })), entries => {
        expect(Buffer.from(encodeRevokedEntries(entries))).toEqual(Buffer.concat(entries.map(encodeRevokedEntry)))
      }),
    )
  })

  it('writes more than its first buffer holds', () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({
      serialNumber: index.toString(16).padStart(32, '7a'),
      revocation: { revocationDate, reason: 'superseded' as const },
    }))
    expect(Buffer.from(encodeRevokedEntries(many))).toEqual(Buffer.concat(many.map(encodeRevokedEntry)))
  })

  it('refuses what is no hexadecimal', () => {
    const revocation = { revocationDate, reason: 'superseded' as const }
    for (const serialNumber of ['xyz', '1', '7f0']) {
      expect(() => encodeRevokedEntries([{ serialNumber, revocation }])).toThrow(TypeError)
    }
  })
})

describe('a CRL in parts', () => {
  it('has the octets of the one in one piece, and holds the entries as they were given', async () => {
    const list = {
      signatureAlgorithm: signer.algorithm,
      issuerDer,
      thisUpdate,
      nextUpdate,
      extensions: extensionsOf(signer),
    }
    const [one, two] = [entry('05'), entry('06', 'keyCompromise')]
    const packed = concat([one, two])
    const cases: readonly (readonly [count: number, entries: readonly Uint8Array[]])[] = [
      [0, []],
      [0, [new Uint8Array()]],
      [1, [one]],
      [2, [packed]],
      [3, [packed, new Uint8Array(), entry('07')]],
    ]
    for (const [count, entries] of cases) {
      const parts = encodeTbsCertListParts({ ...list, entries })
      const whole = encodeTbsCertList({ ...list, entries })
      expect(concat(parts)).toEqual(whole)
      const signature = await signer.sign(parts)
      expect(await signatureVerifier(signer.publicKey).ofParts(signer.algorithm, parts, signature)).toBe(true)
      const certificateList = encodeCertificateListParts(parts, signer.algorithm, signature)
      expect(concat(certificateList)).toEqual(encodeCertificateList(whole, signer.algorithm, signature))
      for (const each of entries) expect(certificateList.includes(each)).toBe(each.length > 0)
      expect(parseCrl(concat(certificateList)).entries.length).toBe(count)
    }
  })
})

describe('SignatureVerifier.ofParts', () => {
  const parts = [new Uint8Array(3 * 1024 * 1024).fill(1), new Uint8Array(), new Uint8Array(3 * 1024 * 1024).fill(2)]
  it.each(['P-256', 'P-384', 'Ed25519', 'RSA'] as const)('agrees with the whole message: %s', async kind => {
    const key = makeSigner(kind)
    const verifier = signatureVerifier(key.publicKey)
    const signature = await key.sign(concat(parts))
    expect(await verifier.ofParts(key.algorithm, parts, signature)).toBe(true)
    expect(await verifier.ofParts(key.algorithm, parts.slice(1), signature)).toBe(false)
    expect(await verifier.ofParts(key.algorithm, parts, signature.subarray(1))).toBe(false)
    const other = key.algorithm === 'id-Ed25519' ? 'ecdsa-with-SHA256' : 'id-Ed25519'
    expect(await verifier.ofParts(other, parts, signature)).toBe(false)
  })

  it('stops when it is told to', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const verifying = signatureVerifier(signer.publicKey).ofParts(signer.algorithm, parts, new Uint8Array(70), {
      signal: controller.signal,
    })
    controller.abort(reason)
    await expect(verifying).rejects.toBe(reason)
  })
})

describe('delta CRLs', () => {
  it('say the number of their base, critically', async () => {
    const der = await signCrl([entry('05', 'removeFromCRL')], signer, [...extensionsOf(signer), deltaCrlIndicator(5n)])
    const crl = parseCrl(der)
    expect(crl).toMatchObject({ crlNumber: 7n, baseCrlNumber: 5n, unhandledCriticalExtensions: [] })
    expect(crl.entries[0]?.reason).toBe('removeFromCRL')
    expect(crl.extensions.find(({ oid }) => oid === extensionOids.deltaCrlIndicator)?.critical).toBe(true)
  })

  it('are named in the full one', async () => {
    const urls = ['http://pki.example/a.crl', 'http://pki.example/b.crl']
    const crl = parseCrl(await signCrl([], signer, [...extensionsOf(signer), freshestCrl(urls)]))
    expect(crl).toMatchObject({ freshestCrl: urls, baseCrlNumber: undefined, unhandledCriticalExtensions: [] })
    expect(crl.extensions.find(({ oid }) => oid === extensionOids.freshestCrl)?.critical).toBe(false)
  })

  it('refuses numbers that no CRL may have', () => {
    for (const number of [-1n, 2n ** 159n]) expect(() => deltaCrlIndicator(number)).toThrow(RangeError)
    const bad = (oid: string, value: Uint8Array) =>
      unsigned(tbsWith({ extensions: context(0, true, sequence(encodeExtension(oid, true, value))) }))
    const code = { code: 'ERR_PKI_DER' }
    expect(() => parseCrl(bad('2.5.29.27', nullValue()))).toThrow(expect.objectContaining(code))
    expect(() => parseCrl(bad('2.5.29.27', integer(new Uint8Array(21).fill(0x7f))))).toThrow(
      expect.objectContaining(code),
    )
    expect(() => parseCrl(bad('2.5.29.46', nullValue()))).toThrow(expect.objectContaining(code))
  })
})

describe('encodeTbsCertList', () => {
  it('wants extensions', () => {
    const list = {
      signatureAlgorithm: signer.algorithm,
      issuerDer,
      thisUpdate,
      nextUpdate,
      entries: [],
      extensions: [],
    }
    expect(() => encodeTbsCertList(list)).toThrow(TypeError)
  })
})

describeOpenssl('CRLs, judged by openssl', ({ path, openssl }) => {
  it.each(['P-256', 'P-384', 'Ed25519', 'RSA'] as const)('accepts ours: %s', async key => {
    const ca = makeSigner(key)
    const crl = await signCrl([entry('4b010203', 'keyCompromise', invalidityDate), entry('05')], ca)
    writeFileSync(path('ca.pem'), encodePem('CERTIFICATE', await issueCa(ca)))
    writeFileSync(path('crl.pem'), encodePem('X509 CRL', crl))
    expect(openssl(['crl', '-in', 'crl.pem', '-CAfile', 'ca.pem', '-noout']).text).toContain('verify OK')
    const { text } = openssl(['crl', '-in', 'crl.pem', '-noout', '-text'])
    expect(text).toMatch(/X509v3 CRL Number:\s+7/)
    expect(text).toMatch(/Issuing Distribution Point: critical\s+Only User Certificates/)
    expect(text).toMatch(
      /Serial Number: 4B010203\s+Revocation Date: May {2}1 12:00:00 2024 GMT\s+CRL entry extensions:\s+X509v3 CRL Reason Code:\s+Key Compromise\s+Invalidity Date:\s+Apr {2}1 00:00:00 2024 GMT/,
    )
    expect(text).toMatch(/Last Update: Jun {2}1 00:00:00 2024 GMT\s+Next Update: Jun {2}1 00:00:00 2054 GMT/)

    const subjectKey = makeSigner(key).publicKey
    for (const [file, serialNumber] of [
      ['revoked.pem', Uint8Array.of(0x4b, 1, 2, 3)],
      ['good.pem', Uint8Array.of(0x4b, 1, 2, 4)],
    ] as const) {
      const extensions = [authorityKeyIdentifier(keyIdentifierOf(ca.publicKey))]
      const der = await issue({
        issuer: ca,
        subject: [[{ type: 'CN', value: 'x' }]],
        subjectKey,
        serialNumber,
        extensions,
      })
      writeFileSync(path(file), encodePem('CERTIFICATE', der))
    }
    const check = (file: string) =>
      openssl(['verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'crl.pem', file]).text
    expect(check('good.pem')).toContain('good.pem: OK')
    expect(check('revoked.pem')).toContain('certificate revoked')
  })

  it('accepts one without entries', async () => {
    writeFileSync(path('ca.pem'), encodePem('CERTIFICATE', await issueCa(signer)))
    writeFileSync(path('empty.pem'), encodePem('X509 CRL', await signCrl([])))
    expect(openssl(['crl', '-in', 'empty.pem', '-CAfile', 'ca.pem', '-noout']).text).toContain('verify OK')
    expect(openssl(['crl', '-in', 'empty.pem', '-noout', '-text']).text).toContain('No Revoked Certificates.')
  })

  it('makes what we read', () => {
    writeFileSync(
      path('ca.cnf'),
      [
        ...[
          '[ca]',
          'default_ca=c',
          '[c]',
          'database=index.txt',
          'crlnumber=crlnumber',
          'default_md=sha256',
          'default_crl_days=30',
          'crl_extensions=e',
        ],
        ...[
          '[e]',
          'authorityKeyIdentifier=keyid',
          'issuingDistributionPoint=critical,@idp',
          '[idp]',
          'fullname=URI:http://a/1,URI:http://a/2',
          'onlyuser=TRUE',
          '',
        ],
      ].join('\n'),
    )
    const rows = [
      'R\t491231235959Z\t240501120000Z,keyCompromise\t4B01\tunknown\t/CN=a',
      'R\t491231235959Z\t240501120000Z\tFF02\tunknown\t/CN=b',
      'R\t491231235959Z\t240501120000Z,keyTime,20240401000000Z\t03\tunknown\t/CN=c',
      'V\t491231235959Z\t\t04\tunknown\t/CN=d',
    ]
    writeFileSync(path('index.txt'), `${rows.join('\n')}\n`)
    writeFileSync(path('crlnumber'), '1FFF\n')
    openssl([
      'req',
      '-x509',
      '-new',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      'k.pem',
      '-out',
      'c.pem',
      '-days',
      '9',
      '-subj',
      '/CN=CA',
    ])
    const made = openssl([
      'ca',
      '-gencrl',
      '-config',
      'ca.cnf',
      '-keyfile',
      'k.pem',
      '-cert',
      'c.pem',
      '-out',
      'theirs.pem',
    ])
    expect(made.status, made.text).toBe(0)
    const crl = parseCrl(openssl(['crl', '-in', 'theirs.pem']).stdout.toString())
    expect(crl).toMatchObject({
      crlNumber: 0x1fffn,
      signatureAlgorithm: 'id-Ed25519',
      issuingDistributionPoint: { urls: ['http://a/1', 'http://a/2'], onlyContainsUserCerts: true },
      unhandledCriticalExtensions: [],
      entries: [
        { serialNumber: '03', revocationDate, reason: 'keyCompromise', invalidityDate },
        { serialNumber: '4b01', revocationDate, reason: 'keyCompromise' },
        { serialNumber: 'ff02', revocationDate },
      ],
    })
    const ca = parseCertificate(openssl(['x509', '-in', 'c.pem']).stdout.toString())
    expect(crl.authorityKeyIdentifier).toEqual(ca.subjectKeyIdentifier)
    expect(crl.issuerDer).toEqual(ca.subjectDer)
    expect(verifySignature('id-Ed25519', ca.subjectPublicKeyInfo, crl.tbsCertList, crl.signature)).toBe(true)
  })
})
