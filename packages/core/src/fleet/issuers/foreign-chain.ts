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

/** The CAs of a path that the fleet does not know yet, as it keeps them, the root first. */
export function foreignRecords(
  path: readonly Certificate[],
  known: ReadonlySet<string>,
  state: AuthorityState,
  since: string,
): readonly AuthorityRecord[] {
  return path
    .slice(1)
    .flatMap((certificate, index): AuthorityRecord[] => {
      if (known.has(keyId(certificate.subjectPublicKeyInfo))) return []
      const issuer = path[index + 2] ?? certificate
      return [
        {
          role: issuer === certificate ? 'root' : 'intermediateCa',
          state,
          since,
          own: keptCertificate(certificate, issuer),
        },
      ]
    })
    .reverse()
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
