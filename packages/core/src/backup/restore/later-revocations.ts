import { type CertificateRevocationList, PkiError, parseCrl, toHex, verifySignature } from '@fleetcert/x509'
import type { CertificateId, CrlScope, Revocation } from '../../store/store.ts'
import type { BackupAuthority } from '../authorities.ts'

/** A revocation that a CRL says, and in which scope. */
export interface LaterRevocation {
  readonly id: CertificateId
  readonly scope: CrlScope
  readonly revocation: Revocation
}

/** What CRLs that were published after a backup say. */
export interface LaterRevocations {
  /** By {@link revocationKey}. */
  readonly entries: ReadonlyMap<string, LaterRevocation>
  /** The highest CRL number of an issuer that was met, by its key id. */
  readonly numbers: ReadonlyMap<string, bigint>
}

export function revocationKey({ issuerKeyId, serialNumber }: CertificateId): string {
  return `${issuerKeyId}.${serialNumber}`
}

/**
 * Reads CRLs of the fleet's own CAs, DER or PEM, complete ones; each is verified by its CA's key.
 * @throws PkiError `ERR_PKI_CRL` for one that is a delta, or of no CA of the fleet; `ERR_PKI_DER`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE`
 */
export function readLaterRevocations(
  crls: readonly (Uint8Array | string)[],
  authorities: readonly BackupAuthority[],
): LaterRevocations {
  const entries = new Map<string, LaterRevocation>()
  const numbers = new Map<string, bigint>()
  for (const input of crls) {
    const crl = parseCrl(input)
    const { keyId: issuerKeyId } = signerOf(crl, authorities)
    if (crl.baseCrlNumber !== undefined) throw refused('a delta CRL does not say all: give the full one')
    if (crl.unhandledCriticalExtensions.length > 0) throw refused('it has a critical extension that is not understood')
    const { crlNumber = 0n } = crl
    if (crlNumber > (numbers.get(issuerKeyId) ?? 0n)) numbers.set(issuerKeyId, crlNumber)
    const scope = { issuerKeyId, shard: shardOf(crl) }
    for (const { serialNumber, revocationDate, reason = 'unspecified', invalidityDate } of crl.entries) {
      const id = { issuerKeyId, serialNumber }
      const revocation = { revocationDate, reason, ...(invalidityDate === undefined ? {} : { invalidityDate }) }
      const known = entries.get(revocationKey(id))?.revocation
      // Of several CRLs, the final word: a hold may have become a revocation.
      if (known === undefined || known.reason === 'certificateHold')
        entries.set(revocationKey(id), { id, scope, revocation })
    }
  }
  return { entries, numbers }
}

function signerOf(crl: CertificateRevocationList, authorities: readonly BackupAuthority[]): BackupAuthority {
  const { signatureAlgorithm: algorithm, tbsCertList, signature, issuerDer } = crl
  const signer = authorities.find(
    ({ certificate }) =>
      algorithm !== undefined &&
      toHex(certificate.subjectDer) === toHex(issuerDer) &&
      verifySignature(algorithm, certificate.subjectPublicKeyInfo, tbsCertList, signature),
  )
  if (signer === undefined) throw refused('it is not signed by a CA of this fleet')
  return signer
}

/** The shard that the IDP's address names: `/crl/<issuer>-<shard>.crl`; 0 where it names none. */
function shardOf({ issuingDistributionPoint }: CertificateRevocationList): number {
  for (const url of issuingDistributionPoint?.urls ?? []) {
    const [, shard] = /\/[0-9a-f]{16}-(\d{1,4})\.(?:crl|pem)$/.exec(url) ?? []
    if (shard !== undefined) return Number(shard)
  }
  return 0
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_CRL', { reason })
}
