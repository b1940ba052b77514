import { generateKeyPairSync } from 'node:crypto'
import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import {
  basicConstraints,
  encodeName,
  extendedKeyUsage,
  keyUsage,
  parseCertificate,
  parseCertificationRequest,
  signatureAlgorithmIdentifier,
  softwareSigner,
  subjectAltName,
} from '@fleetcert/x509'
import { bitString, context, integer, objectIdentifier, sequence, set } from '@fleetcert/x509/der'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeVectors } from '../../../x509/test/support/vectors.ts'

let fleet: Fleet
beforeAll(async () => {
  fleet = await openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false })
})
afterAll(() => fleet.close())

const read = (vectors: { bytes(file: string): Uint8Array; text(file: string): string }, file: string) =>
  file.endsWith('.pem') ? vectors.text(file) : vectors.bytes(file)

/** What the fleet makes of requests by others: a code, or `issued`. */
const verdicts = {
  'csr-boulder': {
    'bad_algorithm.der.csr': 'ERR_PKI_ALGORITHM',
    'cn_and_san.der.csr': 'issued',
    'ct_poison_extension.der.csr': 'issued',
    'ct_poison_extension_empty.der.csr': 'issued',
    'ecdsa.der.csr': 'issued',
    'invalid_signature.der.csr': 'ERR_PKI_CSR_SIGNATURE',
    'long_cn.der.csr': 'ERR_PKI_NAME',
    'must_staple.der.csr': 'issued',
    'no_names.der.csr': 'issued',
    'short_key.der.csr': 'ERR_PKI_KEY_POLICY',
    'unsupported_extension.der.csr': 'ERR_PKI_CSR',
  },
  'csr-pyca': {
    'bad-version.pem': 'ERR_PKI_CSR',
    'basic_constraints.pem': 'ERR_PKI_ALGORITHM',
    'challenge-invalid.der': 'ERR_PKI_CSR',
    'challenge-multi-valued.der': 'ERR_PKI_CSR',
    'challenge-unstructured.pem': 'issued',
    'challenge.pem': 'issued',
    'dsa_sha1.der': 'ERR_PKI_ALGORITHM',
    'dsa_sha1.pem': 'ERR_PKI_ALGORITHM',
    'ec_sha256.der': 'issued',
    'ec_sha256.pem': 'issued',
    'ec_sha256_old_header.pem': 'issued',
    'freeipa-bad-critical.pem': 'ERR_PKI_DER',
    'invalid_signature.pem': 'ERR_PKI_KEY_POLICY',
    'long-form-attribute.pem': 'ERR_PKI_CSR',
    'rsa_md4.der': 'ERR_PKI_ALGORITHM',
    'rsa_md4.pem': 'ERR_PKI_ALGORITHM',
    'rsa_sha1.der': 'ERR_PKI_ALGORITHM',
    'rsa_sha1.pem': 'ERR_PKI_ALGORITHM',
    'rsa_sha256.der': 'issued',
    'rsa_sha256.pem': 'issued',
    'san_rsa_sha1.der': 'ERR_PKI_ALGORITHM',
    'san_rsa_sha1.pem': 'ERR_PKI_ALGORITHM',
    'two_basic_constraints.pem': 'ERR_PKI_DER',
    'unsupported_extension.pem': 'ERR_PKI_CSR',
    'unsupported_extension_critical.pem': 'ERR_PKI_CSR',
  },
} as const

for (const [folder, expected] of Object.entries(verdicts)) {
  describeVectors(folder, `requests of ${folder} at a fleet`, vectors => {
    it('has a verdict for every file', () => {
      expect(vectors.files()).toEqual(Object.keys(expected))
    })

    it.each(Object.entries(expected))('%s: %s', async (file, verdict) => {
      const csr = read(vectors, file)
      const deviceId = `device.${file}`.slice(0, 64)
      if (verdict !== 'issued') {
        await expect(fleet.enroll(deviceId, { csr })).rejects.toMatchObject({ code: verdict })
        expect(await fleet.device(deviceId)).toBeUndefined()
        return
      }
      const { certificate } = await fleet.enroll(deviceId, { csr })
      const request = parseCertificationRequest(csr)
      expectNothingCopied(certificate, deviceId, request.subjectPublicKeyInfo)
    })
  })
}

/** The key is the requester's, and nothing else. */
function expectNothingCopied(pem: string, deviceId: string, subjectPublicKeyInfo: Uint8Array): void {
  const certificate = parseCertificate(pem)
  expect(certificate.subjectPublicKeyInfo).toEqual(new Uint8Array(subjectPublicKeyInfo))
  expect(certificate.subject).toEqual([[{ type: 'CN', value: deviceId }]])
  expect(certificate.subjectAltName).toEqual([{ type: 'uri', value: `urn:fleetcert:device:${deviceId}` }])
  expect(certificate.basicConstraints).toBeUndefined()
  expect(certificate.keyUsage).toEqual(['digitalSignature'])
  expect(certificate.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.extensions.map(({ oid }) => oid).sort()).toEqual([
    '2.5.29.14',
    '2.5.29.15',
    '2.5.29.17',
    '2.5.29.35',
    '2.5.29.37',
  ])
}

it('copies neither a CA, nor names, nor purposes out of a request', async () => {
  const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const asked = [
    basicConstraints({ cA: true, pathLength: 3 }),
    keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
    extendedKeyUsage(['2.5.29.37.0']),
    subjectAltName([{ type: 'uri', value: 'urn:fleetcert:device:other' }]),
  ]
  const extensionRequest = sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(sequence(...asked)))
  const info = sequence(
    integer(0),
    encodeName([[{ type: 'CN', value: 'other' }]]),
    signer.publicKey,
    context(0, true, extensionRequest),
  )
  const csr = sequence(info, signatureAlgorithmIdentifier(signer.algorithm), bitString(await signer.sign(info)))
  expect(parseCertificationRequest(csr).requestedExtensions).toHaveLength(4)
  expectNothingCopied((await fleet.enroll('modest', { csr })).certificate, 'modest', signer.publicKey)
})
