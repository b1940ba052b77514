import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  bitString,
  boolean,
  context,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  set,
  utf8String,
} from '../src/der/index.ts'
import {
  basicConstraints,
  createCertificationRequest,
  encodeExtension,
  encodeName,
  encodePem,
  formatName,
  type MessageSigner,
  parseCertificationRequest,
  type SignatureAlgorithm,
  signatureAlgorithmIdentifier,
  subjectAltName,
  verifyCertificationRequest,
} from '../src/index.ts'
import { expectPkiError, pkiErrorOf } from './support/errors.ts'
import { makeSigner, type TestKey } from './support/issue.ts'
import { describeOpenssl } from './support/openssl.ts'
import { describeVectors } from './support/vectors.ts'

const signer = makeSigner()
const subject = [[{ type: 'O', value: 'Acme' }], [{ type: 'CN', value: 'device-1' }]]
const oidChallenge = '1.2.840.113549.1.9.7'
const oidExtensions = '1.2.840.113549.1.9.14'
const oidMicrosoftExtensions = '1.3.6.1.4.1.311.2.1.14'

const attribute = (oid: string, ...values: Uint8Array[]) => sequence(objectIdentifier(oid), set(...values))
const requested = (...extensions: Uint8Array[]) => attribute(oidExtensions, sequence(...extensions))
const challenge = (value: Uint8Array) => attribute(oidChallenge, value)

/** The fields of a well-formed CertificationRequestInfo, to be replaced one by one; an empty list leaves a field out. */
function infoWith(fields: Record<string, Uint8Array | readonly Uint8Array[]>): Uint8Array {
  const all = {
    version: integer(0),
    subject: encodeName(subject),
    key: signer.publicKey,
    attributes: context(0, true),
    ...fields,
  }
  return sequence(...Object.values(all).flat())
}
const withAttributes = (...attributes: Uint8Array[]) => infoWith({ attributes: context(0, true, ...attributes) })
/** A request that is not signed: the reader does not look. */
const unsigned = (info: Uint8Array) =>
  sequence(info, signatureAlgorithmIdentifier(signer.algorithm), bitString(new Uint8Array(8)))

describe('createCertificationRequest', () => {
  it.each<TestKey>(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'])(
    'makes what the reader reads and proves: %s',
    async key => {
      const keySigner = makeSigner(key)
      const names = [{ type: 'dns', value: 'a.example' }] as const
      const csr = parseCertificationRequest(
        await createCertificationRequest({ subject, signer: keySigner, subjectAltName: names }),
      )
      expect(csr).toMatchObject({
        subject,
        subjectPublicKeyInfo: keySigner.publicKey,
        signatureAlgorithm: keySigner.algorithm,
        requestedExtensions: [{ oid: '2.5.29.17', critical: false }],
        requestedSubjectAltName: names,
        challengePassword: undefined,
      })
      expect(csr.attributes.map(({ oid }) => oid)).toEqual([oidExtensions])
      expect(csr.subjectDer).toEqual(encodeName(subject))
      verifyCertificationRequest(csr)
    },
  )

  it('writes an empty list of attributes without names', async () => {
    const der = await createCertificationRequest({ subject: [], signer })
    const csr = parseCertificationRequest(encodePem('CERTIFICATE REQUEST', der))
    expect(csr).toMatchObject({
      subject: [],
      attributes: [],
      requestedExtensions: [],
      requestedSubjectAltName: undefined,
    })
    expect(csr.der).toEqual(der)
    expect(parseCertificationRequest(encodePem('NEW CERTIFICATE REQUEST', der))).toEqual(csr)
  })

  it('refuses impossible names', async () => {
    await expect(createCertificationRequest({ subject: [[{ type: 'CN', value: '' }]], signer })).rejects.toMatchObject({
      code: 'ERR_PKI_NAME',
    })
    await expect(
      createCertificationRequest({ subject, signer, subjectAltName: [{ type: 'dns', value: 'a b' }] }),
    ).rejects.toMatchObject({ code: 'ERR_PKI_NAME' })
  })

  it('hands the signal on', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(createCertificationRequest({ subject, signer }, { signal })).rejects.toThrow('enough')
  })
})

describe('parseCertificationRequest', () => {
  it('reads attributes that it does not know, and a challengePassword', () => {
    const unknown = attribute('1.2.3', sequence(integer(5)))
    const csr = parseCertificationRequest(unsigned(withAttributes(unknown, challenge(utf8String('sesame')))))
    expect(csr.challengePassword).toBe('sesame')
    expect(csr.attributes).toEqual([
      { oid: '1.2.3', values: [sequence(integer(5))] },
      { oid: oidChallenge, values: [utf8String('sesame')] },
    ])
  })

  it('reads Microsoft’s number for an extension request', () => {
    const extensions = sequence(subjectAltName([{ type: 'dns', value: 'a' }]))
    const csr = parseCertificationRequest(unsigned(withAttributes(attribute(oidMicrosoftExtensions, extensions))))
    expect(csr.requestedSubjectAltName).toEqual([{ type: 'dns', value: 'a' }])
  })

  it('reports a requested CA and leaves it to the caller', () => {
    const csr = parseCertificationRequest(unsigned(withAttributes(requested(basicConstraints({ cA: true })))))
    expect(csr.requestedExtensions).toMatchObject([{ oid: '2.5.29.19', critical: true }])
  })

  const san = subjectAltName([{ type: 'dns', value: 'a' }])
  const explicitFalse = sequence(
    objectIdentifier('2.5.29.15'),
    boolean(false),
    octetString(bitString(Uint8Array.of(0x80), 7)),
  )
  it.each<[string, Uint8Array, string, string?]>([
    ['version 1', infoWith({ version: integer(1) }), 'ERR_PKI_CSR', 'version'],
    ['negative version', infoWith({ version: Uint8Array.of(2, 1, 0xff) }), 'ERR_PKI_DER'],
    ['no attributes field', infoWith({ attributes: [] }), 'ERR_PKI_DER', 'missing element'],
    [
      'something behind the attributes',
      infoWith({ attributes: [context(0, true), nullValue()] }),
      'ERR_PKI_DER',
      'unexpected element',
    ],
    ['malformed subject', infoWith({ subject: sequence(sequence()) }), 'ERR_PKI_DER'],
    [
      'CN of 65 characters',
      infoWith({ subject: sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String('a'.repeat(65))))) }),
      'ERR_PKI_NAME',
      'longer than 64',
    ],
    [
      'CN with NUL',
      infoWith({ subject: sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String('a\0b')))) }),
      'ERR_PKI_NAME',
      'control',
    ],
    [
      'CN of a PrintableString with *',
      infoWith({ subject: sequence(set(sequence(objectIdentifier('2.5.4.3'), Uint8Array.of(0x13, 1, 0x2a)))) }),
      'ERR_PKI_DER',
    ],
    ['malformed key', infoWith({ key: sequence() }), 'ERR_PKI_DER'],
    [
      'attribute twice',
      withAttributes(attribute('1.2.3', integer(1)), attribute('1.2.3', integer(2))),
      'ERR_PKI_CSR',
      'attribute 1.2.3 twice',
    ],
    [
      'attribute with two values',
      withAttributes(attribute('1.2.3', integer(1), integer(2))),
      'ERR_PKI_CSR',
      'several values',
    ],
    ['attribute without value', withAttributes(attribute('1.2.3')), 'ERR_PKI_DER', 'missing element'],
    [
      'attribute with more than a set',
      withAttributes(sequence(objectIdentifier('1.2.3'), set(integer(1)), nullValue())),
      'ERR_PKI_DER',
    ],
    [
      'attributes out of order',
      withAttributes(attribute('1.2.4', integer(1)), attribute('1.2.3', integer(1))),
      'ERR_PKI_DER',
      'not in order',
    ],
    [
      '33 attributes',
      withAttributes(...Array.from({ length: 33 }, (_, arc) => attribute(`1.2.${arc}`, integer(1)))),
      'ERR_PKI_CSR',
      'too many attributes',
    ],
    [
      'malformed unknown attribute',
      withAttributes(attribute('1.2.3', sequence(Uint8Array.of(1, 1, 1)))),
      'ERR_PKI_DER',
    ],
    ['empty challenge', withAttributes(challenge(utf8String(''))), 'ERR_PKI_CSR', 'challengePassword'],
    ['challenge of 256', withAttributes(challenge(utf8String('a'.repeat(256)))), 'ERR_PKI_CSR', 'challengePassword'],
    [
      'challenge of the wrong characters',
      withAttributes(challenge(Uint8Array.of(0x13, 1, 0x2a))),
      'ERR_PKI_CSR',
      'challengePassword',
    ],
    ['challenge that is no string', withAttributes(challenge(integer(5))), 'ERR_PKI_CSR', 'challengePassword'],
    ['no extension in the request', withAttributes(requested()), 'ERR_PKI_DER', 'empty list'],
    ['extension twice', withAttributes(requested(san, san)), 'ERR_PKI_DER', 'extension 2.5.29.17 twice'],
    [
      'extension of an unknown kind',
      withAttributes(requested(encodeExtension('1.2.3', false, nullValue()))),
      'ERR_PKI_CSR',
      'unsupported extension 1.2.3',
    ],
    ['critical FALSE spelled out', withAttributes(requested(explicitFalse)), 'ERR_PKI_DER', 'default value'],
    [
      'cA FALSE spelled out',
      withAttributes(requested(encodeExtension('2.5.29.19', true, sequence(boolean(false))))),
      'ERR_PKI_DER',
      'default value',
    ],
    [
      'key usage with trailing zero bits',
      withAttributes(requested(encodeExtension('2.5.29.15', true, bitString(Uint8Array.of(0x80))))),
      'ERR_PKI_DER',
      'trailing zero bits',
    ],
    [
      'empty organization inside subjectAltName',
      withAttributes(
        requested(
          encodeExtension(
            '2.5.29.17',
            false,
            sequence(context(4, true, sequence(set(sequence(objectIdentifier('2.5.4.10'), utf8String('')))))),
          ),
        ),
      ),
      'ERR_PKI_NAME',
      'O is empty',
    ],
    [
      'malformed known extension',
      withAttributes(requested(encodeExtension('2.5.29.17', false, sequence()))),
      'ERR_PKI_DER',
    ],
    [
      'two extension requests',
      withAttributes(requested(san), attribute(oidMicrosoftExtensions, sequence(san))),
      'ERR_PKI_CSR',
      'two extension requests',
    ],
  ])('refuses: %s', (_, info, code, reason) => {
    expectPkiError(() => parseCertificationRequest(unsigned(info)), code as never, reason)
  })

  it('never says what a challengePassword was', () => {
    const error = pkiErrorOf(() =>
      parseCertificationRequest(unsigned(withAttributes(challenge(utf8String(`sesame${'a'.repeat(250)}`))))),
    )
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain('sesame')
  })

  it('refuses malformed envelopes', () => {
    const info = infoWith({})
    const identifier = signatureAlgorithmIdentifier(signer.algorithm)
    const signature = bitString(new Uint8Array(8))
    const sha1 = sequence(objectIdentifier('1.2.840.10045.4.1'))
    expect(parseCertificationRequest(sequence(info, identifier, signature)).subject).toEqual(subject)
    expectPkiError(() => parseCertificationRequest(sequence(info, sha1, signature)), 'ERR_PKI_ALGORITHM')
    expectPkiError(() => parseCertificationRequest(sequence(info, identifier)), 'ERR_PKI_DER')
    expectPkiError(() => parseCertificationRequest(sequence(info, identifier, signature, nullValue())), 'ERR_PKI_DER')
    expectPkiError(
      () => parseCertificationRequest(Uint8Array.from([...unsigned(info), 0])),
      'ERR_PKI_DER',
      'behind the end',
    )
    expectPkiError(
      () => parseCertificationRequest(sequence(info, identifier, bitString(Uint8Array.of(0x80), 7))),
      'ERR_PKI_CSR',
    )
    expectPkiError(() => parseCertificationRequest(new Uint8Array(0)), 'ERR_PKI_DER')
  })

  it('bounds its input', () => {
    const der = unsigned(withAttributes(attribute('1.2.3', octetString(new Uint8Array(16 * 1024)))))
    expectPkiError(() => parseCertificationRequest(der), 'ERR_PKI_TOO_LARGE')
    expectPkiError(() => parseCertificationRequest(encodePem('CERTIFICATE REQUEST', der)), 'ERR_PKI_TOO_LARGE')
    expectPkiError(() => parseCertificationRequest('-'.repeat(33 * 1024)), 'ERR_PKI_TOO_LARGE')
    expectPkiError(() => parseCertificationRequest(''), 'ERR_PKI_PEM', 'no CERTIFICATE REQUEST block')
    expect(() => parseCertificationRequest(5 as never)).toThrow(TypeError)
  })
})

describe('verifyCertificationRequest', () => {
  const verify = (der: Uint8Array) => verifyCertificationRequest(parseCertificationRequest(der))

  it('refuses a request that another key signed', async () => {
    const thief: MessageSigner = { ...signer, publicKey: makeSigner().publicKey }
    expectPkiError(() => verify(unsigned(infoWith({}))), 'ERR_PKI_CSR_SIGNATURE')
    const stolen = await createCertificationRequest({ subject, signer: thief })
    expectPkiError(() => verify(stolen), 'ERR_PKI_CSR_SIGNATURE')
  })

  it('refuses a request that was changed', async () => {
    const der = await createCertificationRequest({ subject, signer })
    const changed = Buffer.from(der)
    changed.write('device-2', changed.indexOf('device-1'))
    expectPkiError(() => verify(changed), 'ERR_PKI_CSR_SIGNATURE')
  })

  it('refuses an algorithm that is not the key’s', async () => {
    for (const algorithm of ['id-Ed25519', 'sha256WithRSAEncryption', 'ecdsa-with-SHA384'] as SignatureAlgorithm[]) {
      const der = await createCertificationRequest({ subject, signer: { ...signer, algorithm } })
      expectPkiError(() => verify(der), 'ERR_PKI_CSR_SIGNATURE')
    }
  })

  it('refuses keys of unsupported kinds and of absurd sizes', () => {
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
      format: 'der',
      type: 'spki',
    })
    expectPkiError(
      () => verify(unsigned(infoWith({ key: secp256k1 }))),
      'ERR_PKI_KEY_POLICY',
      'unsupported key 1.3.132.0.10',
    )
    const rsa = (modulusOctets: number, exponent: Buffer) => {
      const jwk = {
        kty: 'RSA',
        n: Buffer.alloc(modulusOctets, 0xff).toString('base64url'),
        e: exponent.toString('base64url'),
      }
      return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' })
    }
    expectPkiError(
      () => verify(unsigned(infoWith({ key: rsa(1025, Buffer.of(3)) }))),
      'ERR_PKI_KEY_POLICY',
      'too large',
    )
    expectPkiError(
      () => verify(unsigned(infoWith({ key: rsa(256, Buffer.alloc(9, 1)) }))),
      'ERR_PKI_KEY_POLICY',
      'too large',
    )
    expectPkiError(() => verify(unsigned(infoWith({ key: rsa(256, Buffer.alloc(8, 1)) }))), 'ERR_PKI_CSR_SIGNATURE')
  })
})

describeOpenssl('certification requests, judged by openssl', ({ path, openssl }) => {
  it.each<TestKey>(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'])('accepts ours: %s', async key => {
    const der = await createCertificationRequest({
      subject: [...subject, [{ type: 'L', value: 'Zürich' }]],
      signer: makeSigner(key),
      subjectAltName: [
        { type: 'dns', value: 'a.example' },
        { type: 'ip', value: '192.0.2.1' },
      ],
    })
    writeFileSync(path('ours.pem'), encodePem('CERTIFICATE REQUEST', der))
    // The exit code is 0 even when the signature is wrong.
    const { text } = openssl([
      'req',
      '-in',
      'ours.pem',
      '-verify',
      '-noout',
      '-text',
      '-nameopt',
      'utf8,sep_comma_plus',
    ])
    expect(text).toContain('verify OK')
    expect(text).toContain('Subject: O=Acme,CN=device-1,L=Zürich')
    expect(text).toContain('DNS:a.example, IP Address:192.0.2.1')
    // openssl writes what it read: the same octets.
    expect(new Uint8Array(openssl(['req', '-in', 'ours.pem', '-outform', 'DER']).stdout)).toEqual(der)
  })

  it.each([
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'ecdsa-with-SHA256'],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'], 'ecdsa-with-SHA384'],
    ['Ed25519', ['-newkey', 'ed25519'], 'id-Ed25519'],
    ['RSA 2048', ['-newkey', 'rsa:2048'], 'sha256WithRSAEncryption'],
  ])('makes what we read and prove: %s', (_, keyOptions, algorithm) => {
    const made = openssl([
      ...['req', '-new', ...keyOptions, '-nodes', '-keyout', 'key.pem', '-out', 'theirs.pem'],
      ...['-subj', '/C=DE/O=Acme/CN=device-1', '-addext', 'subjectAltName=DNS:a.example,URI:urn:x:y'],
      ...[
        '-addext',
        'basicConstraints=critical,CA:TRUE',
        '-addext',
        'keyUsage=digitalSignature',
        '-addext',
        'nsComment=hello',
      ],
    ])
    expect(made.status, made.text).toBe(0)
    const csr = parseCertificationRequest(openssl(['req', '-in', 'theirs.pem']).stdout.toString())
    verifyCertificationRequest(csr)
    expect(csr.signatureAlgorithm).toBe(algorithm)
    expect(formatName(csr.subject)).toBe('CN=device-1,O=Acme,C=DE')
    expect(encodeName(csr.subject)).toEqual(csr.subjectDer)
    expect(csr.requestedSubjectAltName).toEqual([
      { type: 'dns', value: 'a.example' },
      { type: 'uri', value: 'urn:x:y' },
    ])
    expect(csr.requestedExtensions.map(({ oid, critical }) => `${oid} ${critical}`)).toEqual([
      '2.5.29.17 false',
      '2.5.29.19 true',
      '2.5.29.15 false',
      '2.16.840.1.113730.1.13 false',
    ])
  })

  it('makes challenge passwords and unstructured names that we read', () => {
    writeFileSync(
      path('req.cnf'),
      '[req]\nprompt=no\ndistinguished_name=dn\nattributes=attrs\n[dn]\nCN=x\n[attrs]\nchallengePassword=sesame\nunstructuredName=open\n',
    )
    const made = openssl([
      'req',
      '-new',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'attrs.pem',
      '-config',
      'req.cnf',
    ])
    expect(made.status, made.text).toBe(0)
    const csr = parseCertificationRequest(openssl(['req', '-in', 'attrs.pem']).stdout.toString())
    verifyCertificationRequest(csr)
    expect(csr.challengePassword).toBe('sesame')
    expect(csr.attributes.length).toBe(2)
  })

  it('finds what we find in a forged one', async () => {
    const forged = await createCertificationRequest({
      subject,
      signer: { ...signer, publicKey: makeSigner().publicKey },
    })
    writeFileSync(path('forged.pem'), encodePem('CERTIFICATE REQUEST', forged))
    expect(openssl(['req', '-in', 'forged.pem', '-verify', '-noout']).text).not.toContain('verify OK')
    expectPkiError(() => verifyCertificationRequest(parseCertificationRequest(forged)), 'ERR_PKI_CSR_SIGNATURE')
  })
})

/** The verdict on each file. `ok`: read and proved. A code: refused by the reader, or by the proof of possession where it is ERR_PKI_CSR_SIGNATURE. */
const pycaVerdicts: Readonly<Record<string, string>> = {
  'bad-version.pem': 'ERR_PKI_CSR',
  // Signed with SHA-1: refused before anybody could copy its CA:TRUE.
  'basic_constraints.pem': 'ERR_PKI_ALGORITHM',
  'challenge-invalid.der': 'ERR_PKI_CSR',
  'challenge-multi-valued.der': 'ERR_PKI_CSR',
  'challenge-unstructured.pem': 'ok',
  'challenge.pem': 'ok',
  'dsa_sha1.der': 'ERR_PKI_ALGORITHM',
  'dsa_sha1.pem': 'ERR_PKI_ALGORITHM',
  'ec_sha256.der': 'ok',
  'ec_sha256.pem': 'ok',
  'ec_sha256_old_header.pem': 'ok',
  // critical FALSE spelled out.
  'freeipa-bad-critical.pem': 'ERR_PKI_DER',
  'invalid_signature.pem': 'ERR_PKI_CSR_SIGNATURE',
  'long-form-attribute.pem': 'ERR_PKI_CSR',
  'rsa_md4.der': 'ERR_PKI_ALGORITHM',
  'rsa_md4.pem': 'ERR_PKI_ALGORITHM',
  'rsa_sha1.der': 'ERR_PKI_ALGORITHM',
  'rsa_sha1.pem': 'ERR_PKI_ALGORITHM',
  'rsa_sha256.der': 'ok',
  'rsa_sha256.pem': 'ok',
  'san_rsa_sha1.der': 'ERR_PKI_ALGORITHM',
  'san_rsa_sha1.pem': 'ERR_PKI_ALGORITHM',
  'two_basic_constraints.pem': 'ERR_PKI_DER',
  'unsupported_extension.pem': 'ERR_PKI_CSR',
  'unsupported_extension_critical.pem': 'ERR_PKI_CSR',
}
const boulderVerdicts: Readonly<Record<string, string>> = {
  'bad_algorithm.der.csr': 'ERR_PKI_ALGORITHM',
  'cn_and_san.der.csr': 'ok',
  'ct_poison_extension.der.csr': 'ok',
  'ct_poison_extension_empty.der.csr': 'ok',
  'ecdsa.der.csr': 'ok',
  'invalid_signature.der.csr': 'ERR_PKI_CSR_SIGNATURE',
  'long_cn.der.csr': 'ERR_PKI_NAME',
  'must_staple.der.csr': 'ok',
  'no_names.der.csr': 'ok',
  // RSA of 512 bits: a well-formed request; the key policy of the authority refuses it.
  'short_key.der.csr': 'ok',
  'unsupported_extension.der.csr': 'ERR_PKI_CSR',
}

for (const [folder, verdicts] of [
  ['csr-pyca', pycaVerdicts],
  ['csr-boulder', boulderVerdicts],
] as const) {
  describeVectors(folder, `certification requests of ${folder}`, ({ files, bytes, text }) => {
    it('are all in the table', () => {
      expect(files()).toEqual(Object.keys(verdicts).sort())
    })

    it.each(Object.entries(verdicts))('%s: %s', (file, verdict) => {
      const judge = () =>
        verifyCertificationRequest(parseCertificationRequest(file.endsWith('.pem') ? text(file) : bytes(file)))
      if (verdict === 'ok') expect(judge).not.toThrow()
      else expectPkiError(judge, verdict as never)
    })
  })
}
