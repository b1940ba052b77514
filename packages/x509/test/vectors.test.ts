import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import {
  type Certificate,
  certificateFingerprint,
  decodePem,
  encodeName,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  verifySignature,
} from '../src/index.ts'
import { expectPkiError, outcomeOf } from './support/errors.ts'
import { describeVectors } from './support/vectors.ts'

/** Node's reader of certificates says the same. */
function agreesWithNode(certificate: Certificate): void {
  const oracle = new X509Certificate(certificate.der)
  expect(certificate.serialNumber.replace(/^(-?)0+(?=.)/, '$1')).toBe(
    oracle.serialNumber.toLowerCase().replace(/^(-?)0+(?=.)/, '$1'),
  )
  expect(certificateFingerprint(certificate.der)).toBe(oracle.fingerprint256)
  expect(certificate.notBefore).toEqual(new Date(oracle.validFrom))
  expect(certificate.notAfter).toEqual(new Date(oracle.validTo))
  // Node's `ca` is false also for a CA whose key usage forbids it.
  if (oracle.ca) expect(certificate.basicConstraints?.cA).toBe(true)
  if (certificate.publicKey.type !== 'unsupported') {
    expect(certificate.subjectPublicKeyInfo).toEqual(
      new Uint8Array(oracle.publicKey.export({ format: 'der', type: 'spki' })),
    )
  }
}

function namesComeBack(certificate: Certificate): void {
  expect(encodeName(certificate.subject)).toEqual(certificate.subjectDer)
  expect(encodeName(certificate.issuer)).toEqual(certificate.issuerDer)
}

describeVectors('thingsboard', 'certificates of ThingsBoard and the ESP32 example', ({ files, text }) => {
  it.each(files().filter(file => !file.endsWith('.key')))('%s', file => {
    const blocks = decodePem(text(file), 'CERTIFICATE')
    expect(blocks.length).toBeGreaterThan(0)
    for (const { der } of blocks) {
      const certificate = parseCertificate(der)
      agreesWithNode(certificate)
      namesComeBack(certificate)
      const isSelfIssued = Buffer.compare(certificate.issuerDer, certificate.subjectDer) === 0
      const { signatureAlgorithm, subjectPublicKeyInfo, tbsCertificate, signature } = certificate
      expect(verifySignature(signatureAlgorithm!, subjectPublicKeyInfo, tbsCertificate, signature)).toBe(isSelfIssued)
    }
  })
})

describeVectors('pkits', 'NIST PKITS', ({ files, bytes }) => {
  // Their signatures were damaged in a way that is not even DER any more: a bit string that says it has unused bits.
  const refusedCertificates = ['BadSignedCACert.crt', 'InvalidDSASignatureTest6EE.crt']
  const refusedCrls = ['BadCRLSignatureCACRL.crl']

  it('all certificates but two are read, as Node reads them, and their names come back', () => {
    const refused: string[] = []
    for (const file of files('certs')) {
      const outcome = outcomeOf(() => parseCertificate(bytes(`certs/${file}`)))
      if ('error' in outcome) {
        refused.push(file)
        continue
      }
      agreesWithNode(outcome.value)
      namesComeBack(outcome.value)
    }
    expect(refused).toEqual(refusedCertificates)
    expect(files('certs').length).toBe(405)
  })

  it.each(refusedCertificates)('%s is refused', file => {
    expectPkiError(() => parseCertificate(bytes(`certs/${file}`)), 'ERR_PKI_CERTIFICATE', 'no whole octets')
  })

  it('all CRLs but one are read, and critical extensions that are not understood are named', () => {
    const refused: string[] = []
    const unhandled: Record<string, readonly string[]> = {}
    const deltas: string[] = []
    for (const file of files('crls')) {
      const outcome = outcomeOf(() => parseCrl(bytes(`crls/${file}`)))
      if ('value' in outcome && outcome.value.baseCrlNumber !== undefined) deltas.push(file)
      if ('error' in outcome) refused.push(file)
      else if (outcome.value.unhandledCriticalExtensions.length > 0)
        unhandled[file] = outcome.value.unhandledCriticalExtensions
    }
    expect(refused).toEqual(refusedCrls)
    expect(unhandled).toEqual({
      'UnknownCRLEntryExtensionCACRL.crl': ['2.16.840.1.101.2.1.12.2'],
      'UnknownCRLExtensionCACRL.crl': ['2.16.840.1.101.2.1.12.2'],
      'indirectCRLCA5CRL.crl': ['2.5.29.29'],
    })
    // The indicator is interpreted: whoever reads on must look at it.
    expect(deltas).toEqual([
      'deltaCRLCA1deltaCRL.crl',
      'deltaCRLCA2deltaCRL.crl',
      'deltaCRLCA3deltaCRL.crl',
      'deltaCRLIndicatorNoBaseCACRL.crl',
    ])
    expect(files('crls').length).toBe(173)
  })

  it('a good CRL verifies with its CA’s key', () => {
    const ca = parseCertificate(bytes('certs/GoodCACert.crt'))
    const crl = parseCrl(bytes('crls/GoodCACRL.crl'))
    expect(crl.issuerDer).toEqual(ca.subjectDer)
    expect(verifySignature(crl.signatureAlgorithm!, ca.subjectPublicKeyInfo, crl.tbsCertList, crl.signature)).toBe(true)
  })
})

describeVectors('fuzz-seeds.tar.gz', 'fuzz seeds of openssl and boringssl', ({ path }) => {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-x509-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('are read or refused by every reader, with no foreign exception', () => {
    expect(spawnSync('tar', ['-xzf', path('.'), '-C', directory]).status).toBe(0)
    const seeds = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    let read = 0
    for (const seed of seeds) {
      const bytes = new Uint8Array(readFileSync(join(seed.parentPath, seed.name)))
      const text = Buffer.from(bytes).toString('latin1')
      for (const input of [bytes, text]) {
        for (const parse of [parseCertificate, parseCertificationRequest, parseCrl]) {
          if ('value' in outcomeOf<unknown>(() => parse(input))) read++
        }
      }
      outcomeOf(() => decodePem(text))
    }
    expect(seeds.length).toBeGreaterThan(3000)
    expect(read).toBeGreaterThan(100)
  })
})
