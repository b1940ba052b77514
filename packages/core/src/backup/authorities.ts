import {
  type Certificate,
  decodePem,
  keyId,
  PkiError,
  parseCertificate,
  parseSignatureAlgorithm,
  toHex,
  verifySignature,
} from '@fleetcert/x509'
import { decodeFleetDocument } from '../fleet/fleet-document.ts'
import type { AuthorityRecord } from '../fleet/issuers/authority-record.ts'
import type { DocumentEntry } from '../store/store-records.ts'
import { type BackupKey, type BackupTrailer, type KeyringRole, signedText } from './format/backup-json.ts'

/** A CA of the fleet in a backup. */
export interface BackupAuthority {
  readonly role: AuthorityRecord['role']
  readonly state: AuthorityRecord['state']
  readonly certificate: Certificate
  /** Lower-case hex, SHA-256 of its SubjectPublicKeyInfo. */
  readonly keyId: string
  /** Of the CA that signed its certificate; its own where that is itself. */
  readonly issuerKeyId: string
  /** In how many shards its CRLs may be. */
  readonly shards: number
  /** Where its key is; absent where it is another's. */
  readonly key?: { readonly keyring: KeyringRole; readonly name: string }
}

/**
 * The CAs that the fleet document names, each signed by another one of them, up to a root.
 * @throws PkiError `ERR_PKI_BACKUP`
 */
export function readAuthorities(entry: DocumentEntry | undefined): readonly BackupAuthority[] {
  if (entry === undefined) throw wrong('there is no fleet in it')
  const authorities: BackupAuthority[] = []
  const { document } = decodeFleetDocument(entry)
  for (const { role, state, own, keyring, keyName } of document.authorities) {
    if (own === undefined) continue
    const certificate = parseCertificate(Buffer.from(own.certificate, 'base64'))
    const id = keyId(certificate.subjectPublicKeyInfo)
    authorities.push({
      role,
      state,
      certificate,
      keyId: id,
      issuerKeyId: own.id.issuerKeyId,
      shards: role === 'issuingCa' ? (document.crlShards ?? 1) : 1,
      ...(keyring === undefined || keyName === undefined ? {} : { key: { keyring, name: keyName } }),
    })
  }
  for (const { issuerKeyId, certificate } of authorities) {
    const issuer = authorities.find(other => other.keyId === issuerKeyId)
    const { signatureAlgorithm, tbsCertificate, signature } = certificate
    const isSigned =
      issuer !== undefined &&
      signatureAlgorithm !== undefined &&
      verifySignature(signatureAlgorithm, issuer.certificate.subjectPublicKeyInfo, tbsCertificate, signature)
    if (!isSigned) throw wrong('a CA certificate in it is not signed by its issuer')
  }
  return authorities
}

/** The CA of the fleet that has signed the backup. @throws PkiError `ERR_PKI_BACKUP` */
export function verifyTrailer(
  { digest, signature }: BackupTrailer,
  authorities: readonly BackupAuthority[],
): BackupAuthority {
  const signer = authorities.find(
    ({ role, certificate }) => role === 'issuingCa' && toHex(certificate.subjectPublicKeyInfo) === signature.publicKey,
  )
  const isSigned =
    signer !== undefined &&
    verifySignature(
      parseSignatureAlgorithm(Buffer.from(signature.algorithm, 'hex')),
      signer.certificate.subjectPublicKeyInfo,
      signedText(digest),
      Buffer.from(signature.value, 'hex'),
    )
  if (!isSigned) throw wrong('it is not signed by an issuing CA of its fleet')
  return signer
}

/**
 * That each root in use is one of those expected, PEM, and that whoever signed the backup comes from one of them: anybody can name a root, and say of his own that it is not in use.
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_PEM`
 */
export function checkRoots(
  trustAnchors: string,
  authorities: readonly BackupAuthority[],
  signer: BackupAuthority,
): void {
  const expected = decodePem(trustAnchors).map(({ der }) => toHex(der))
  const isExpected = ({ certificate }: BackupAuthority): boolean => expected.includes(toHex(certificate.der))
  const inUse = authorities.filter(({ role, state }) => role === 'root' && state === 'active')
  if (!inUse.every(isExpected) || !above(signer, authorities).some(isExpected)) {
    throw wrong('its root is none of those expected')
  }
}

/** Those that have certified a CA, up to the root. Each signature was verified; a circle ends where it began. */
function above(authority: BackupAuthority, authorities: readonly BackupAuthority[]): readonly BackupAuthority[] {
  const found = new Set<BackupAuthority>()
  for (let next: BackupAuthority | undefined = authority; next !== undefined && !found.has(next); ) {
    if (next !== authority) found.add(next)
    const { issuerKeyId }: BackupAuthority = next
    next = authorities.find(({ keyId }) => keyId === issuerKeyId)
  }
  return [...found]
}

/** That a key goes with its CA certificate, as far as that can be told while it is encrypted. @throws PkiError `ERR_PKI_BACKUP` */
export function checkKeys(keys: readonly BackupKey[], authorities: readonly BackupAuthority[]): void {
  for (const { key, certificate } of authorities) {
    if (key === undefined) continue
    const kept = keys.find(({ keyring, name }) => keyring === key.keyring && name === key.name)
    if (kept?.publicKey !== toHex(certificate.subjectPublicKeyInfo)) throw wrong('its keys are not those of its CAs')
  }
}

function wrong(reason: string): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason })
}
