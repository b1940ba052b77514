import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  type CertificateProfiles,
  createCertificationRequest,
  type Fleet,
  isPkiError,
  type KeyAlgorithm,
  lintCertificate,
  memoryKeyring,
  memoryStore,
  openFleet,
} from '@fleetcert/core'
import { decodePem, encodeCertificate, parseCertificate, softwareSigner } from '@fleetcert/x509'
import { integer } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { describeVectors } from '../../../../x509/test/support/vectors.ts'
import { createCertificateTemplate } from '../../../src/authority/certificate-template.ts'
import { prepareCertificate } from '../../../src/authority/lint/prepare-certificate.ts'
import { preparedBytes } from '../../../src/authority/prepared-certificate.ts'
import { resolveProfile } from '../../../src/authority/resolve-profile.ts'
import { validityAt } from '../../../src/authority/validity.ts'
import { cn, device, tbsCertificate } from './cases/build-certificate.ts'

const profiles: CertificateProfiles = {
  device: { subject: { C: 'DE', ST: 'Bayern', L: 'München', OU: ['Sensors', 'Roof'] } },
  server: { kind: 'server', clientAuth: true, validitySeconds: 3600 },
  'sensor-7m': { kind: 'device', validitySeconds: 420, backdateSeconds: 0 },
  birth: { kind: 'device', endless: true, subject: { O: 'Maker', C: 'FR' } },
  agreeing: { keys: ['P-384', 'P-256'], keyUsage: ['keyAgreement'] },
  enciphering: { kind: 'server', keys: ['RSA'], keyUsage: ['keyEncipherment', 'nonRepudiation'] },
  gateway: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.4.1.99999.1'] },
}

async function openWith(algorithm: KeyAlgorithm): Promise<Fleet> {
  const keyring = memoryKeyring()
  return openFleet({
    store: memoryStore(),
    keyring: { ...keyring, create: name => keyring.create(name, algorithm) },
    organization: 'Acme & Söhne',
    publish: { baseUrl: 'http://pki.example', crl: 'pemFirst' },
    profiles,
    background: false,
  })
}

async function csrOf(privateKey: KeyObject): Promise<Uint8Array> {
  return createCertificationRequest({ subject: [], signer: softwareSigner(privateKey) })
}

describe.each<KeyAlgorithm>(['P-256', 'P-384', 'Ed25519', 'RSA-2048'])('a fleet whose CAs have %s keys', algorithm => {
  it('makes certificates without findings, of all profiles and kinds of keys', async () => {
    const fleet = await openWith(algorithm)
    const pems = new Map<string, string>()
    const authorities: string[] = []
    for await (const { role, certificate } of fleet.issuers()) {
      authorities.push(certificate)
      pems.set(role, certificate)
    }
    for (const profile of ['device', 'sensor-7m', 'birth', 'agreeing']) {
      pems.set(profile, (await fleet.enroll(`d-${profile}`, { profile })).certificate)
    }
    pems.set('service', (await fleet.enroll('backend', { role: 'service' })).certificate)
    const names = [
      { type: 'dns', value: 'gw.example' },
      { type: 'email', value: 'ops@example' },
    ] as const
    pems.set('gateway', (await fleet.enroll('gw', { profile: 'gateway', subjectAltName: names })).certificate)
    const hosts = ['broker.example', '192.0.2.7', '::1']
    pems.set('server', (await fleet.issueServer({ hosts })).certificate)
    pems.set('enciphering', (await fleet.issueServer({ hosts, profile: 'enciphering' })).certificate)
    for (const [name, { privateKey }] of Object.entries({
      'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      Ed25519: generateKeyPairSync('ed25519'),
      RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    })) {
      pems.set(name, (await fleet.enroll(`k-${name}`, { csr: await csrOf(privateKey) })).certificate)
      pems.set(`renewed ${name}`, (await fleet.renew(`k-${name}`)).certificate)
    }
    await fleet.close()

    const [root, issuingCa] = authorities as [string, string]
    expect(pems.size).toBe(16)
    for (const [name, pem] of pems) {
      const issuer = name === 'root' ? root : name === 'issuingCa' ? root : issuingCa
      expect(lintCertificate(pem, { issuer }), name).toEqual([])
      expect(lintCertificate(pem), name).toEqual([])
    }
  })
})

it('finds nothing in the certificate of an OCSP responder, which says nothing of its own revocation', async () => {
  const fleet = await openWith('P-256')
  const { chain } = await fleet.enroll('a')
  await fleet.close()
  const issuer = parseCertificate(chain)
  const profile = resolveProfile('ocspResponder', 'ocspResponder')
  const template = createCertificateTemplate(
    profile,
    { signatureAlgorithm: 'ecdsa-with-SHA256', certificate: issuer },
    { crl: ['http://pki.example/crl'], caIssuers: ['http://pki.example/ca'] },
  )
  const prepared = prepareCertificate(
    template.assemble({
      serialNumber: Buffer.alloc(16, 1),
      ...validityAt(issuer.notBefore, profile, undefined, { notBefore: issuer.notBefore, notAfter: issuer.notAfter }),
      subject: [[{ type: 'CN', value: 'OCSP' }]],
      subjectAltName: [],
      subjectPublicKeyInfo: issuer.subjectPublicKeyInfo,
    }),
    issuer,
  )
  expect(Buffer.from(preparedBytes(prepared)).includes(Buffer.from('2b0601050507300105', 'hex'))).toBe(true)
  expect(Buffer.from(preparedBytes(prepared)).includes(Buffer.from('pki.example'))).toBe(false)
})

describe('lintCertificate', () => {
  it('compares inner and outer signature algorithm', async () => {
    const fleet = await openWith('P-256')
    const { certificate } = await fleet.enroll('a')
    await fleet.close()
    const { der } = parseCertificate(certificate)
    const changed = Buffer.from(der)
    const ecdsaWithSha256 = Buffer.from('06082a8648ce3d040302', 'hex')
    changed[changed.lastIndexOf(ecdsaWithSha256) + ecdsaWithSha256.length - 1] = 3
    expect(lintCertificate(changed).map(({ rule }) => rule)).toEqual(['same-signature-algorithm'])
  })

  it.each([
    ['an empty input', new Uint8Array(), 'ERR_PKI_DER'],
    ['text that is not PEM', 'certificate', 'ERR_PKI_PEM'],
    ['a sequence', Uint8Array.of(0x30, 0), 'ERR_PKI_DER'],
    ['65 KiB', new Uint8Array(65 * 1024 + 1), 'ERR_PKI_TOO_LARGE'],
  ])('refuses %s with a code', (_name, input, code) => {
    expect(() => lintCertificate(input)).toThrow(expect.objectContaining({ code }))
    expect(() => lintCertificate(new Uint8Array(), { issuer: input })).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_DER' }),
    )
  })

  it('tells what is wrong from what only fleetcert does otherwise', () => {
    const stranger = encodeCertificate(
      tbsCertificate(
        device(
          { extendedKeyUsage: undefined, keyUsage: undefined },
          { serialNumber: integer(1), subject: cn('a', 'b') },
        ),
      ),
      'ecdsa-with-SHA256',
      new Uint8Array(70),
    )
    const findings = lintCertificate(stranger)
    expect(findings.length).toBeGreaterThan(3)
    expect(findings.filter(({ scope }) => scope === 'rfc')).toEqual([])
  })
})

/** Lints, or says with which code the reader refused. Any other error fails the test. */
function lintOrCode(der: Uint8Array, issuer?: Uint8Array): ReturnType<typeof lintCertificate> | string {
  try {
    return issuer === undefined ? lintCertificate(der) : lintCertificate(der, { issuer })
  } catch (error) {
    if (!isPkiError(error)) throw error
    return error.code
  }
}

describeVectors('thingsboard', 'certificates of ThingsBoard and the ESP32 example', ({ files, text }) => {
  it.each(files().filter(file => !file.endsWith('.key')))('%s', file => {
    const ders = decodePem(text(file), 'CERTIFICATE').map(({ der }) => der)
    for (const der of ders) {
      const findings = lintCertificate(der)
      // They are no work of ours, and it shows.
      expect(findings.filter(({ scope }) => scope === 'fleetcert')).not.toEqual([])
      for (const issuer of ders) expect(Array.isArray(lintOrCode(der, issuer))).toBe(true)
    }
  })
})

describeVectors('pkits', 'NIST PKITS', ({ files, bytes }) => {
  const certificates = files('certs')
  const findingsOf = (file: string, issuer?: string) =>
    lintOrCode(bytes(`certs/${file}`), issuer === undefined ? undefined : bytes(`certs/${issuer}`))
  const rfcErrors = (file: string, issuer?: string): string[] => {
    const findings = findingsOf(file, issuer)
    return typeof findings === 'string'
      ? [findings]
      : findings.filter(({ scope, severity }) => scope === 'rfc' && severity === 'error').map(({ rule }) => rule)
  }

  it('throws nothing but coded errors, alone and with every other as issuer', () => {
    expect(certificates.length).toBeGreaterThan(400)
    const anchor = bytes('certs/TrustAnchorRootCertificate.crt')
    for (const file of certificates) {
      const der = bytes(`certs/${file}`)
      const alone = lintOrCode(der)
      expect(typeof alone === 'string' ? alone : 'linted').toMatch(/^(?:linted|ERR_PKI_(?:CERTIFICATE|DER))$/)
      lintOrCode(der, anchor)
      lintOrCode(anchor, der)
    }
  })

  it('minds nothing in the good ones', () => {
    expect(rfcErrors('TrustAnchorRootCertificate.crt')).toEqual([])
    expect(rfcErrors('GoodCACert.crt', 'TrustAnchorRootCertificate.crt')).toEqual([])
    expect(rfcErrors('ValidCertificatePathTest1EE.crt', 'GoodCACert.crt')).toEqual([])
  })

  it.each([
    ['InvalidNegativeSerialNumberTest15EE.crt', undefined, 'serial-number-positive'],
    ['MissingbasicConstraintsCACert.crt', undefined, 'key-cert-sign-in-ca'],
    ['basicConstraintsCriticalcAFalseCACert.crt', undefined, 'key-cert-sign-in-ca'],
    ['basicConstraintsNotCriticalCACert.crt', undefined, 'basic-constraints-critical'],
    ['keyUsageCriticalkeyCertSignFalseCACert.crt', undefined, 'key-cert-sign-in-ca'],
    ['InvalidNameChainingTest1EE.crt', 'GoodCACert.crt', 'issuer-name-copied'],
    ['InvalidpathLenConstraintTest6EE.crt', 'pathLenConstraint0subCACert.crt', undefined],
    ['pathLenConstraint0subCACert.crt', 'pathLenConstraint0CACert.crt', 'path-length-below-issuer'],
    ['InvalidMissingbasicConstraintsTest1EE.crt', 'MissingbasicConstraintsCACert.crt', 'issuer-is-ca'],
    ['ValidDNnameConstraintsTest1EE.crt', 'nameConstraintsDN1CACert.crt', undefined],
    ['InvalidDNnameConstraintsTest2EE.crt', 'nameConstraintsDN1CACert.crt', 'name-constraints-honoured'],
    ['InvalidDNnameConstraintsTest3EE.crt', 'nameConstraintsDN1CACert.crt', 'name-constraints-honoured'],
    ['ValidRFC822nameConstraintsTest21EE.crt', 'nameConstraintsRFC822CA1Cert.crt', undefined],
    ['InvalidRFC822nameConstraintsTest22EE.crt', 'nameConstraintsRFC822CA1Cert.crt', 'name-constraints-honoured'],
    ['ValidRFC822nameConstraintsTest23EE.crt', 'nameConstraintsRFC822CA2Cert.crt', undefined],
    ['InvalidRFC822nameConstraintsTest24EE.crt', 'nameConstraintsRFC822CA2Cert.crt', 'name-constraints-honoured'],
    ['ValidRFC822nameConstraintsTest25EE.crt', 'nameConstraintsRFC822CA3Cert.crt', undefined],
    ['InvalidRFC822nameConstraintsTest26EE.crt', 'nameConstraintsRFC822CA3Cert.crt', 'name-constraints-honoured'],
    ['ValidDNSnameConstraintsTest30EE.crt', 'nameConstraintsDNS1CACert.crt', undefined],
    ['InvalidDNSnameConstraintsTest31EE.crt', 'nameConstraintsDNS1CACert.crt', 'name-constraints-honoured'],
    ['ValidDNSnameConstraintsTest32EE.crt', 'nameConstraintsDNS2CACert.crt', undefined],
    ['InvalidDNSnameConstraintsTest33EE.crt', 'nameConstraintsDNS2CACert.crt', 'name-constraints-honoured'],
    ['InvalidDNSnameConstraintsTest38EE.crt', 'nameConstraintsDNS1CACert.crt', 'name-constraints-honoured'],
    ['ValidURInameConstraintsTest34EE.crt', 'nameConstraintsURI1CACert.crt', undefined],
    ['InvalidURInameConstraintsTest35EE.crt', 'nameConstraintsURI1CACert.crt', 'name-constraints-honoured'],
    ['ValidURInameConstraintsTest36EE.crt', 'nameConstraintsURI2CACert.crt', undefined],
    ['InvalidURInameConstraintsTest37EE.crt', 'nameConstraintsURI2CACert.crt', 'name-constraints-honoured'],
  ])('%s under %s: %s', (file, issuer, rule) => {
    const errors = rfcErrors(file, issuer).filter(id => id !== 'email-in-subject')
    if (rule === undefined) expect(errors).toEqual([])
    else expect(errors).toContain(rule)
  })
})
