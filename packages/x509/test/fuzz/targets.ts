import assert from 'node:assert/strict'
import {
  bitString,
  context,
  generalizedTime,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
  set,
  tlv,
  utcTime,
} from '../../src/der/index.ts'
import {
  type CertificationRequest,
  type DistinguishedName,
  encodeExtension,
  encodeName,
  encodeOcspFailure,
  encodeOcspRequest,
  encodePem,
  formatName,
  isPkiError,
  type PemBlock,
  parsePublicKey,
  parseTbsCertificate,
  signatureAlgorithmIdentifier,
} from '../../src/index.ts'
import { readTree, writeTree } from './der-tree.ts'
import type { Instrumented } from './instrument.ts'
import { type Mutator, mutateDer, mutateText } from './mutator.ts'

/** A reader under test, and what must hold for all it accepts. */
export interface FuzzTarget {
  readonly name: string
  readonly mutate: Mutator
  /** The largest input made for it. */
  readonly maxLength: number
  /** Steps allowed per octet of input, above {@link fixedSteps}. A nested octet may be looked at once per level that reads it. */
  readonly stepsPerOctet: number
  /** Reads with the instrumented copy. Throws PkiError, or the reader is broken. */
  read(copy: Instrumented, input: Uint8Array): unknown
  /** Throws if what was read is not what `input` says. */
  check(input: Uint8Array, value: never): void
}

/** Steps that an input may cost whatever its length. */
export const fixedSteps = 3000

function target<Value>(
  name: string,
  read: (copy: Instrumented, input: Uint8Array) => Value,
  check: (input: Uint8Array, value: Value) => void,
  options: Partial<Pick<FuzzTarget, 'mutate' | 'maxLength' | 'stepsPerOctet'>> = {},
): FuzzTarget {
  return { name, mutate: mutateDer, maxLength: 4096, stepsPerOctet: 8, ...options, read, check }
}

export const targets: readonly FuzzTarget[] = [
  target('csr', ({ x509 }, input) => x509.parseCertificationRequest(input), checkCsr),
  target(
    'certificate',
    ({ x509 }, input) => x509.parseCertificate(input),
    (input, certificate) => {
      const { tbsCertificate, outerSignatureAlgorithm, signature } = certificate
      assert.deepEqual(sequence(tbsCertificate, outerSignatureAlgorithm, bitString(signature)), input)
      const tbs = parseTbsCertificate(tbsCertificate)
      for (const [key, value] of Object.entries(tbs)) {
        if (!key.startsWith('signatureAlgorithm')) assert.deepEqual(certificate[key as keyof typeof tbs], value)
      }
      assert.deepEqual(parsePublicKey(certificate.subjectPublicKeyInfo), certificate.publicKey)
      checkName(certificate.issuerDer, certificate.issuer)
      checkName(certificate.subjectDer, certificate.subject)
    },
  ),
  target(
    'crl',
    ({ x509 }, input) => x509.parseCrl(input),
    (input, crl) => {
      const start = Buffer.from(input).indexOf(crl.tbsCertList)
      assert.ok(start === 2 || start === 3 || start === 4)
      assert.deepEqual(bitString(crl.signature), input.subarray(input.length - bitString(crl.signature).length))
      checkName(crl.issuerDer, crl.issuer)
    },
  ),
  target(
    'ocspRequest',
    ({ x509 }, input) => x509.parseOcspRequest(input),
    (input, { certIds, nonce }) => {
      for (const { der, issuer, issuerNameHash, issuerKeyHash } of certIds) {
        assert.ok(holds(input, der))
        const { children } = readTree(der)![0]!
        assert.deepEqual(writeTree(children!.slice(0, 3)), issuer)
        assert.deepEqual([children![1]!.content, children![2]!.content], [issuerNameHash, issuerKeyHash])
      }
      // What says no more than this package writes is written the same.
      const written = encodeOcspRequest(
        certIds.map(({ der }) => der),
        nonce === undefined ? {} : { nonce },
      )
      assert.ok(written.length <= input.length)
      if (written.length === input.length) assert.deepEqual(written, input)
    },
  ),
  target(
    'ocspResponse',
    ({ x509 }, input) => x509.parseOcspResponse(input),
    (input, response) => {
      assert.deepEqual(response.der, input)
      if (response.status !== 'successful') {
        assert.deepEqual(encodeOcspFailure(response.status), input)
        return
      }
      const { tbsResponseData, signature, certificates } = response
      const rest = certificates.length === 0 ? [] : [context(0, true, sequence(...certificates))]
      assert.ok(holds(input, Buffer.concat([bitString(signature), ...rest])))
      assert.ok(holds(input, tbsResponseData))
      assert.ok(response.responses.length > 0)
      for (const { certId, certStatus, revocationDate } of response.responses) {
        assert.ok(holds(tbsResponseData, certId.der))
        assert.equal(revocationDate !== undefined, certStatus === 'revoked')
      }
    },
  ),
  target(
    'name',
    ({ x509 }, input) => x509.parseName(input),
    (input, name) => checkName(input, name),
  ),
  target(
    'publicKey',
    ({ x509 }, input) => x509.parsePublicKey(input),
    (input, key) => {
      const tree = readTree(input)!
      const bits = tree[0]!.children![1]!.content.subarray(1)
      if (key.type === 'ec') assert.deepEqual(key.point, bits)
      else if (key.type === 'ed25519') assert.deepEqual(key.key, bits)
      else if (key.type === 'rsa') assert.deepEqual(sequence(integer(key.modulus), integer(key.publicExponent)), bits)
    },
    { maxLength: 2048 },
  ),
  target(
    'time',
    ({ x509 }, input) => x509.parseTime(input),
    (input, date) => assert.deepEqual(input[0] === 0x17 ? utcTime(date) : generalizedTime(date), input),
    { maxLength: 256 },
  ),
  target(
    'der',
    ({ der }, input) => {
      const reader = der.createDerReader(input)
      const found: Uint8Array[] = []
      try {
        while (!reader.atEnd) found.push(reader.element())
        reader.finish()
      } finally {
        assert.ok(reader.elements <= input.length / 2)
      }
      return found
    },
    // Each length has one encoding that is accepted: writing all anew gives the same octets.
    input => assert.deepEqual(writeTree(readTree(input, false)!), input),
  ),
  target(
    'pem',
    ({ x509 }, input) => x509.decodePem(Buffer.from(input).toString('latin1')),
    (_, blocks) => checkPem(blocks),
    { mutate: mutateText },
  ),
  target(
    'csrPem',
    ({ x509 }, input) => x509.parseCertificationRequest(Buffer.from(input).toString('latin1')),
    (_, csr) => checkCsr(csr.der, csr),
    { mutate: mutateText },
  ),
]

/** Every octet of an accepted request is accounted for: encoding what was read gives the request again. */
function checkCsr(input: Uint8Array, csr: CertificationRequest): void {
  assert.deepEqual(csr.der, input)
  assert.deepEqual(encodeName(csr.subject), csr.subjectDer)
  assert.deepEqual(parsePublicKey(csr.subjectPublicKeyInfo), csr.publicKey)
  const attributes = csr.attributes.map(({ oid, values }) => sequence(objectIdentifier(oid), set(...values)))
  const info = sequence(integer(0), csr.subjectDer, csr.subjectPublicKeyInfo, context(0, true, ...attributes))
  assert.deepEqual(info, csr.certificationRequestInfo)
  const identifier = signatureAlgorithmIdentifier(csr.signatureAlgorithm)
  // RFC 4055 section 5: the NULL of RSA may be absent.
  const short = tlv(0x30, readTree(identifier)![0]!.content.subarray(0, -nullValue().length))
  const encodings = [identifier, ...(csr.signatureAlgorithm.endsWith('RSAEncryption') ? [short] : [])]
  const wholes = encodings.map(encoding => sequence(info, encoding, bitString(csr.signature)))
  assert.ok(wholes.some(whole => Buffer.compare(whole, input) === 0))
  if (csr.requestedExtensions.length > 0) {
    const extensions = csr.requestedExtensions.map(({ oid, critical, value }) => encodeExtension(oid, critical, value))
    const encoded = sequence(...extensions)
    assert.ok(csr.attributes.some(({ values }) => Buffer.compare(values[0]!, encoded) === 0))
  }
}

function holds(octets: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(octets).includes(Buffer.from(part))
}

function checkName(der: Uint8Array, name: DistinguishedName): void {
  assert.doesNotMatch(formatName(name), /[\0-\x1f\x7f-\x9f]/)
  let encoded: Uint8Array
  try {
    encoded = encodeName(name)
  } catch (error) {
    // Readers take names that are longer or emptier than what is written.
    if (isPkiError(error, 'ERR_PKI_NAME')) return
    throw error
  }
  assert.deepEqual(encoded, der)
}

function checkPem(blocks: readonly PemBlock[]): void {
  for (const { label, der } of blocks) assert.ok(encodePem(label, der).startsWith(`-----BEGIN ${label}-----\n`))
}
