import { generateKeyPairSync } from 'node:crypto'
import { context, integer, sequence } from '../../src/der/index.ts'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type DistinguishedName,
  encodeCertificate,
  encodeName,
  encodeTime,
  keyIdentifierOf,
  keyUsage,
  type MessageSigner,
  signatureAlgorithmIdentifier,
  softwareSigner,
  subjectKeyIdentifier,
} from '../../src/index.ts'

export type TestKey = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA' | 'ml-dsa-44' | 'ml-dsa-65'

/** A signer with a new key. */
export function makeSigner(key: TestKey = 'P-256'): MessageSigner {
  if (key === 'Ed25519') return softwareSigner(generateKeyPairSync('ed25519').privateKey)
  if (key === 'RSA') return softwareSigner(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
  if (key === 'ml-dsa-44' || key === 'ml-dsa-65') return softwareSigner(generateKeyPairSync(key).privateKey)
  return softwareSigner(generateKeyPairSync('ec', { namedCurve: key }).privateKey)
}

export const caName: DistinguishedName = [[{ type: 'O', value: 'Acme' }], [{ type: 'CN', value: 'Test CA' }]]

/** What the fields of a TBSCertificate are when a test does not say otherwise. */
export interface TestCertificate {
  readonly issuer: MessageSigner
  readonly issuerName?: DistinguishedName
  readonly subjectKey?: Uint8Array
  readonly subject?: DistinguishedName
  readonly serialNumber?: Uint8Array
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extensions?: readonly Uint8Array[]
}

/** A TBSCertificate put together by hand, as an issuing core does it. */
export function assembleTbs(options: TestCertificate): Uint8Array {
  const { issuer, issuerName = caName, extensions = [] } = options
  return sequence(
    context(0, true, integer(2)),
    integer(options.serialNumber ?? Uint8Array.of(0x4b, 1, 2, 3)),
    signatureAlgorithmIdentifier(issuer.algorithm),
    encodeName(issuerName),
    sequence(
      encodeTime(options.notBefore ?? new Date('2024-01-01T00:00:00Z')),
      encodeTime(options.notAfter ?? new Date('2054-01-01T00:00:00Z')),
    ),
    encodeName(options.subject ?? issuerName),
    options.subjectKey ?? issuer.publicKey,
    context(3, true, sequence(...extensions)),
  )
}

export async function issue(options: TestCertificate): Promise<Uint8Array> {
  const tbs = assembleTbs(options)
  return encodeCertificate(tbs, options.issuer.algorithm, await options.issuer.sign(tbs))
}

/** A self-signed CA. */
export function issueCa(issuer: MessageSigner): Promise<Uint8Array> {
  const id = keyIdentifierOf(issuer.publicKey)
  return issue({
    issuer,
    extensions: [
      basicConstraints({ cA: true, pathLength: 1 }),
      keyUsage(['keyCertSign', 'cRLSign']),
      subjectKeyIdentifier(id),
      authorityKeyIdentifier(id),
    ],
  })
}
