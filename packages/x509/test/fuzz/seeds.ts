import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bitString, context, integer, nullValue, objectIdentifier, sequence } from '../../src/der/index.ts'
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  createCertificationRequest,
  createOcspResponseWriter,
  crlDistributionPoints,
  crlNumberExtension,
  type DistinguishedName,
  deltaCrlIndicator,
  encodeCertId,
  encodeCertificate,
  encodeCertificateList,
  encodeExtension,
  encodeName,
  encodeOcspFailure,
  encodeOcspRequest,
  encodePem,
  encodeRevokedEntry,
  encodeTbsCertList,
  encodeTime,
  extendedKeyUsage,
  extendedKeyUsageOids,
  freshestCrl,
  fromHex,
  issuingDistributionPoint,
  keyUsage,
  type MessageSigner,
  type SignatureAlgorithm,
  subjectAltName,
  subjectKeyIdentifier,
} from '../../src/index.ts'
import { assembleTbs, caName } from '../support/issue.ts'

const corpusDirectory = join(import.meta.dirname, 'corpus')
const foreignSeeds = join(import.meta.dirname, '../../../../../shared/vectors/fuzz-seeds.tar.gz')

const ecKey = (curve: string, point: string) =>
  sequence(sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier(curve)), bitString(fromHex(point)))

/** Public keys that are the same in every run, so that a run can be repeated: the base points of their curves, and an RSA modulus of nobody. */
const keys: Readonly<Record<string, readonly [SignatureAlgorithm, Uint8Array]>> = {
  'P-256': [
    'ecdsa-with-SHA256',
    ecKey(
      '1.2.840.10045.3.1.7',
      '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    ),
  ],
  'P-384': [
    'ecdsa-with-SHA384',
    ecKey(
      '1.3.132.0.34',
      '04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f',
    ),
  ],
  Ed25519: [
    'id-Ed25519',
    sequence(sequence(objectIdentifier('1.3.101.112')), bitString(fromHex(`58${'66'.repeat(31)}`))),
  ],
  RSA: [
    'sha256WithRSAEncryption',
    sequence(
      sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue()),
      bitString(sequence(integer(fromHex('c5'.repeat(128))), integer(65537))),
    ),
  ],
}

const signers: readonly MessageSigner[] = Object.values(keys).map(([algorithm, publicKey]) => ({
  algorithm,
  publicKey,
  // Readers do not verify; what looks like a signature is enough.
  sign: () => Promise.resolve(sequence(integer(1), integer(2))),
}))

const richName: DistinguishedName = [
  [{ type: 'C', value: 'DE' }],
  [
    { type: 'ST', value: 'Bayern' },
    { type: 'L', value: 'München' },
  ],
  [{ type: 'DC', value: 'example' }],
  [{ type: 'CN', value: 'ä', encoding: 'bmpString' }],
  [{ type: 'OU', value: '😀', encoding: 'universalString' }],
]
/** AttributeValue is ANY: it need not be a string. openssl takes no others, so this is in no certificate here. */
const numericName: DistinguishedName = [[{ type: '2.5.4.20', value: '#020101', encoding: 'other' }]]

const names = subjectAltName([
  { type: 'dns', value: 'a.example' },
  { type: 'ip', value: '192.0.2.1' },
  { type: 'ip', value: '2001:db8::1' },
  { type: 'uri', value: 'urn:a' },
  { type: 'email', value: 'a@a.example' },
  { type: 'directoryName', value: caName },
])
const extensions = [
  basicConstraints({ cA: true, pathLength: 1 }),
  keyUsage(['digitalSignature', 'decipherOnly']),
  extendedKeyUsage([extendedKeyUsageOids.clientAuth]),
  names,
  subjectKeyIdentifier(new Uint8Array(20)),
  authorityKeyIdentifier(new Uint8Array(20)),
  crlDistributionPoints(['http://a.example/0.crl']),
  authorityInfoAccess({ ocsp: ['http://a.example/ocsp'], caIssuers: ['http://a.example/ca'] }),
]

/** Honest inputs, made by this package, the same in every run. By target name; those of `der` are all of them. */
export async function ownSeeds(): Promise<Map<string, Uint8Array[]>> {
  const csrs: Uint8Array[] = []
  const certificates: Uint8Array[] = []
  for (const [index, signer] of signers.entries()) {
    const subjectAltName = [{ type: 'dns', value: 'a.example' }] as const
    csrs.push(await createCertificationRequest({ subject: index % 2 ? richName : caName, signer, subjectAltName }))
    const tbs = assembleTbs({ issuer: signer, subject: richName, extensions: extensions.slice(index) })
    certificates.push(encodeCertificate(tbs, signer.algorithm, await signer.sign(tbs)))
  }
  const signer = signers[0]!
  const thisUpdate = new Date('2024-01-01T00:00:00Z')
  const revocation = { revocationDate: thisUpdate, reason: 'keyCompromise', invalidityDate: new Date(0) } as const
  const tbs = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm,
    issuerDer: encodeName(caName),
    thisUpdate,
    nextUpdate: new Date('2054-01-01T00:00:00Z'),
    entries: [encodeRevokedEntry({ serialNumber: 'ff', revocation })],
    extensions: [
      crlNumberExtension(1n),
      authorityKeyIdentifier(new Uint8Array(20)),
      issuingDistributionPoint({ urls: ['http://a/'], onlyContainsUserCerts: true }),
    ],
  })
  const crl = encodeCertificateList(tbs, signer.algorithm, await signer.sign(tbs))
  const tbsDelta = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm,
    issuerDer: encodeName(caName),
    thisUpdate,
    nextUpdate: new Date('2024-01-02T00:00:00Z'),
    entries: [encodeRevokedEntry({ serialNumber: '05', revocation: { ...revocation, reason: 'removeFromCRL' } })],
    extensions: [crlNumberExtension(2n), deltaCrlIndicator(1n), freshestCrl(['http://a/', 'http://b/'])],
  })
  const delta = encodeCertificateList(tbsDelta, signer.algorithm, await signer.sign(tbsDelta))
  const ocsp = await ocspSeeds(certificates[0]!)
  const pem = encodePem('CERTIFICATE REQUEST', csrs[0]!)
  const times = [encodeTime(thisUpdate), encodeTime(new Date('2054-01-01T00:00:00Z'))]
  const seeds = new Map<string, Uint8Array[]>([
    ['csr', csrs],
    ['certificate', certificates],
    ['crl', [crl, delta]],
    ['ocspRequest', ocsp.requests],
    ['ocspResponse', ocsp.responses],
    ['name', [encodeName(richName), encodeName(numericName), encodeName(caName), encodeName([])]],
    ['publicKey', signers.map(({ publicKey }) => publicKey)],
    ['time', times],
    ['pem', [Buffer.from(pem), Buffer.from(`text\n${encodePem('X', times[0]!)}\n${pem}`)].map(octetsOf)],
    ['csrPem', [octetsOf(Buffer.from(pem))]],
  ])
  return seeds.set('der', [...csrs, ...certificates, crl, delta, ...ocsp.requests, ...ocsp.responses, ...times])
}

async function ocspSeeds(certificate: Uint8Array): Promise<Record<'requests' | 'responses', Uint8Array[]>> {
  const [rsa, ec] = [signers[3]!, signers[0]!]
  const issuer = { subjectDer: encodeName(caName), subjectPublicKeyInfo: rsa.publicKey }
  const certIds = [encodeCertId(issuer, '01', 'sha1'), encodeCertId(issuer, 'ff00')]
  const revocationDate = new Date('2024-01-01T00:00:00Z')
  const responses: Uint8Array[] = [encodeOcspFailure('unauthorized')]
  for (const certificates of [[], [certificate]]) {
    const writer = createOcspResponseWriter({
      signatureAlgorithm: ec.algorithm,
      responderKeyHash: new Uint8Array(20),
      certificates,
    })
    const draft = writer.draft({
      responses: [
        { certId: certIds[0]!, status: { certStatus: 'good' } },
        { certId: certIds[1]!, status: { certStatus: 'revoked', revocationDate, reason: 'superseded' } },
        { certId: certIds[0]!, status: { certStatus: 'unknown' } },
      ],
      thisUpdate: revocationDate,
      nextUpdate: new Date('2054-01-01T00:00:00Z'),
      ...(certificates.length === 0 ? {} : { nonce: new Uint8Array(16) }),
    })
    responses.push(draft.finish(await ec.sign(draft.tbsResponseData)))
  }
  const [certId] = certIds
  const name = context(1, true, context(6, false, Buffer.from('urn:a')))
  const extensions = context(0, true, sequence(encodeExtension('1.2.3', false, nullValue())))
  const signature = context(0, true, sequence(nullValue(), bitString(Uint8Array.of(1))))
  return {
    requests: [
      encodeOcspRequest([certId!]),
      encodeOcspRequest(certIds, { nonce: new Uint8Array(16) }),
      sequence(sequence(name, sequence(sequence(certId!, extensions))), signature),
    ],
    responses,
  }
}

/** The corpus in the repository, one input per line in base64: small inputs of our own making that between them reach every branch that fuzzing has reached. */
export function corpusOf(target: string): Uint8Array[] {
  if (target === 'csrPem')
    return corpusOf('csr').map(der => octetsOf(Buffer.from(encodePem('CERTIFICATE REQUEST', der))))
  const file = join(corpusDirectory, `${target}.txt`)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map(line => octetsOf(Buffer.from(line, 'base64')))
}

/** Inputs from the fuzz corpora of openssl and boringssl, by folder name; `undefined` where they are not beside the repository. */
export function loadForeignSeeds(): Map<string, Uint8Array[]> | undefined {
  if (!existsSync(foreignSeeds)) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-fuzz-'))
  try {
    const { status } = spawnSync('tar', ['-xzf', foreignSeeds, '-C', directory])
    if (status !== 0) throw new Error('fuzz-seeds.tar.gz does not unpack')
    const seeds = new Map<string, Uint8Array[]>()
    const root = join(directory, 'fuzz')
    for (const folder of readdirSync(root).sort()) {
      const files = readdirSync(join(root, folder)).sort()
      seeds.set(
        folder,
        files.map(file => octetsOf(readFileSync(join(root, folder, file)))),
      )
    }
    return seeds
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function octetsOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer)
}
