import { createPublicKey } from 'node:crypto'
import {
  type Certificate,
  decodePem,
  encodeCertificate,
  isPkiError,
  keyId,
  PkiError,
  parseCertificate,
} from '@fleetcert/x509'
import { createCertificateTemplate } from '../../authority/certificate-template.ts'
import { checkKeyPolicy } from '../../authority/key-policy.ts'
import type { ResolvedProfile } from '../../authority/profile.ts'
import { randomSerialNumber } from '../../authority/serial-number.ts'
import { validityAt } from '../../authority/validity.ts'
import { toCandidate } from '../../path/candidate.ts'
import { checkPath } from '../../path/check-path.ts'
import { purposeOid } from '../../path/key-purpose.ts'
import { createBudget } from '../../path/limits.ts'
import { verifyPath } from '../../path/verify-path.ts'
import { createPrivateKey } from '../../signer/key-pair.ts'
import { deviceNames } from '../device-names.ts'
import type { AuthorityRecord, AuthorityState, KeptCertificate } from './authority-record.ts'
import { type Authority, type IssuerSet, isTrusted } from './issuer-set.ts'

const mostCertificates = 10
const mostCharacters = 256 * 1024
const limits = { certificates: 20, signatures: 20, steps: 50 }

/** A chain as it was given: the CA that it is for, and what is above it. */
export interface GivenChain {
  readonly certificate: Certificate
  readonly above: readonly Certificate[]
}

/** @throws PkiError `ERR_PKI_ISSUER_CERTIFICATE`, `ERR_PKI_PEM`, `ERR_PKI_DER`, `ERR_PKI_CERTIFICATE`, `ERR_PKI_TOO_LARGE` */
export function readChain(certificate: string | Uint8Array, chain: string): GivenChain {
  if (typeof chain !== 'string') throw new TypeError('chain: expected PEM')
  if (chain.length > mostCharacters) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes: mostCharacters })
  const blocks = decodePem(chain)
  if (blocks.length > mostCertificates) throw refused(`expected at most ${mostCertificates} certificates in the chain`)
  const above = blocks.map(({ label, der }) => {
    if (label !== 'CERTIFICATE') throw refused('expected nothing but certificates in the chain')
    return parseCertificate(der)
  })
  // A copy: what is kept must be what was looked at.
  return {
    certificate: parseCertificate(certificate instanceof Uint8Array ? new Uint8Array(certificate) : certificate),
    above,
  }
}

/**
 * Proves that a CA leads to one of the self-signed roots among those that were given, and that a device's certificate of it would hold. Resolves the path, the CA first, the root last.
 * @param profile of the devices
 * @throws PkiError `ERR_PKI_ISSUER_CERTIFICATE`
 */
export async function provenChain(
  { certificate, above }: GivenChain,
  profile: ResolvedProfile,
  now: Date,
): Promise<readonly Certificate[]> {
  const { basicConstraints, keyUsage } = certificate
  if (basicConstraints?.cA !== true) throw refused('it is no CA')
  if (keyUsage?.includes('keyCertSign') === false) throw refused('its keyUsage lacks keyCertSign')
  if (keyUsage?.includes('cRLSign') === false) throw refused('its keyUsage lacks cRLSign')
  const roots = above.filter(isSelfIssued)
  if (roots.length === 0) throw refused('the chain holds no root')
  try {
    for (const each of [certificate, ...above]) checkKeyPolicy(each.publicKey)
    const { path } = await verifyPath({
      certificate,
      chain: above,
      trustAnchors: roots,
      at: now,
      purpose: 'any',
      revocation: 'off',
      limits,
    })
    checkPath([await sampleDevice(certificate, profile, now), ...path].map(toCandidate), {
      at: now,
      purposeOid: purposeOid('clientAuth'),
      budget: createBudget(limits),
    })
    return path
  } catch (cause) {
    if (!isPkiError(cause)) throw cause
    throw new PkiError('ERR_PKI_ISSUER_CERTIFICATE', { reason: `its chain does not hold: ${cause.code}` }, { cause })
  }
}

/** What a device's certificate would be. Never signed: whether the rules of those above it let it be is all that is asked. */
async function sampleDevice(issuer: Certificate, profile: ResolvedProfile, now: Date): Promise<Certificate> {
  const key = createPublicKey(await createPrivateKey('P-256')).export({ type: 'spki', format: 'der' })
  const signatureAlgorithm = 'ecdsa-with-SHA256'
  const tbsCertificate = createCertificateTemplate(profile, { signatureAlgorithm, certificate: issuer }).assemble({
    serialNumber: randomSerialNumber(),
    ...validityAt(now, profile, undefined, issuer),
    ...deviceNames(profile, 'sample', []),
    subjectPublicKeyInfo: key,
  })
  return parseCertificate(encodeCertificate(tbsCertificate, signatureAlgorithm, new Uint8Array(8)))
}

/** What a chain of others adds to a fleet. */
export interface ForeignRecords {
  /** The fleet's CAs as they are from then on, in their order. */
  readonly records: readonly AuthorityRecord[]
  /** CAs that it did not know, the root first. */
  readonly added: readonly AuthorityRecord[]
  /** Whether a root comes to be trusted by it. */
  readonly hasNewRoot: boolean
}

/**
 * The CAs of a path above its first one, as a fleet keeps them. One that was retired is trusted again; of one that the same CA has certified anew, the certificate that ends last is kept.
 * @param state of those that were not trusted before
 * @throws PkiError `ERR_PKI_ISSUER_CERTIFICATE` where one was revoked here, or cannot be what it is here already
 */
export function foreignRecords(
  set: IssuerSet,
  path: readonly Certificate[],
  state: AuthorityState,
  since: string,
): ForeignRecords {
  const replaced = new Map<AuthorityRecord, AuthorityRecord>()
  const added: AuthorityRecord[] = []
  let hasNewRoot = false
  for (const [index, certificate] of path.entries()) {
    if (index === 0) continue
    const issuer = path[index + 1] ?? certificate
    const role = issuer === certificate ? 'root' : 'intermediateCa'
    const own = keptCertificate(certificate, issuer)
    const known = set.find(keyId(certificate.subjectPublicKeyInfo))
    if (known === undefined || (isForeign(known) && known.state === 'retired')) {
      if (known === undefined) added.unshift({ role, state, since, own })
      else replaced.set(known.record, { ...known.record, role, state, since, own })
      hasNewRoot ||= role === 'root'
    } else if (!isTrusted(known)) throw refused(`a CA above it is ${known.state} here`)
    else if (isForeign(known) && known.record.own.certificate !== own.certificate) {
      const kept = known.issuer.certificate
      const isRenewed =
        Buffer.compare(kept.subjectDer, certificate.subjectDer) === 0 &&
        known.record.own.id.issuerKeyId === own.id.issuerKeyId
      if (!isRenewed) throw refused('a CA above it is here by another name, or under another CA')
      if (certificate.notAfter > kept.notAfter) replaced.set(known.record, { ...known.record, own })
    }
  }
  return { records: set.document.authorities.map(record => replaced.get(record) ?? record), added, hasNewRoot }
}

function isForeign({ record }: Authority): boolean {
  return record.keyName === undefined
}

/** A certificate as the fleet document keeps it. */
export function keptCertificate(certificate: Certificate, issuer: Certificate): KeptCertificate {
  return {
    id: { issuerKeyId: keyId(issuer.subjectPublicKeyInfo), serialNumber: certificate.serialNumber },
    certificate: Buffer.from(certificate.der).toString('base64'),
  }
}

/** Whether the name of its issuer is its own. */
export function isSelfIssued({ issuerDer, subjectDer }: Certificate): boolean {
  return Buffer.compare(issuerDer, subjectDer) === 0
}

/** @returns the error that says why a certificate is not taken */
export function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_ISSUER_CERTIFICATE', { reason })
}
