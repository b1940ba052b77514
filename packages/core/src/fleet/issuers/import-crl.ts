import {
  type Certificate,
  type CertificateRevocationList,
  certificateFingerprint,
  checkNames,
  type IoOptions,
  keyId,
  PkiError,
  parseCertificate,
  parseCrl,
  type RevokedCertificate,
  signatureVerifier,
} from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { CertificateId, FleetEventInput, Revocation } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import { pinnedIssuerId } from '../register.ts'
import type { IssuerOperations } from './issuer-operations.ts'

/** So many entries are looked up at a time. */
const atATime = 64
/** As a store keeps a CRL: in parts of at most so many octets. */
const partBytes = 1024 * 1024

/** Makes `fleet.importCrl`. */
export function createCrlImport({ store, clock, issuers }: FleetParts): IssuerOperations['importCrl'] {
  const end = async (id: CertificateId, revocation: Revocation, options?: IoOptions): Promise<boolean> => {
    if ((await store.certificateStatus(id, options))?.state !== 'pinned') return false
    const record = await store.certificate(id, options)
    if (record?.der === undefined) return false
    const event: FleetEventInput = {
      type: revocation.reason === 'certificateHold' ? 'held' : 'revoked',
      at: revocation.revocationDate,
      certificate: id,
      ...(record.deviceId === undefined ? {} : { deviceId: record.deviceId }),
      fingerprint: certificateFingerprint(record.der),
      details: { reason: revocation.reason, imported: true },
    }
    // Whose sessions are to be closed the ledger tells.
    return (await store.revoke(id, revocation, [event], options))?.created === true
  }

  return async (input, request, options) => {
    checkNames('importCrl', request, { issuer: true })
    const issuer = parseCertificate(request.issuer)
    const crl = parseCrl(input instanceof Uint8Array ? new Uint8Array(input) : input)
    const now = await checkedNow(store, clock, options)
    const nextUpdate = checkCrl(crl, issuer, now)
    // A certificate names its issuer with the key's identifier, or without.
    const issuerKeyIds = [
      ...new Set([pinnedIssuerId(issuer.subjectDer, issuer.subjectKeyIdentifier), pinnedIssuerId(issuer.subjectDer)]),
    ]
    let revoked = 0
    for (let start = 0; start < crl.entries.length; start += atATime) {
      options?.signal?.throwIfAborted()
      const entries = crl.entries.slice(start, start + atATime).filter(isRevocation)
      const ended = await Promise.all(
        entries.flatMap(entry =>
          issuerKeyIds.map(issuerKeyId =>
            end({ issuerKeyId, serialNumber: entry.serialNumber }, revocationOf(entry, now), options),
          ),
        ),
      )
      revoked += ended.filter(Boolean).length
    }
    const issuerKeyId = keyId(issuer.subjectPublicKeyInfo)
    const authority = (await issuers.fresh(options)).find(issuerKeyId)
    if (authority !== undefined && authority.record.keyName === undefined) {
      await keep(issuerKeyId, crl, nextUpdate, options)
    }
    return { revoked, nextUpdate }
  }

  /** For whoever asks for the CRL of a CA that is above ours. An older one than is there is not taken. */
  async function keep(
    issuerKeyId: string,
    { der, crlNumber, thisUpdate }: CertificateRevocationList,
    nextUpdate: Date,
    options?: IoOptions,
  ): Promise<void> {
    const number = crlNumber ?? BigInt(Math.floor(thisUpdate.getTime() / 1000))
    const parts: Uint8Array[] = []
    for (let offset = 0; offset < der.length; offset += partBytes) parts.push(der.slice(offset, offset + partBytes))
    const name = { issuerKeyId, shard: 0 }
    const details = { ...name, crlNumber: number.toString(), imported: true }
    const event: FleetEventInput = { type: 'crlPublished', at: clock(), details }
    await store.putCrl(name, { crlNumber: number, thisUpdate, nextUpdate, parts }, undefined, [event], options)
  }
}

const isRevocation = ({ reason, serialNumber }: RevokedCertificate): boolean =>
  reason !== 'removeFromCRL' && !serialNumber.startsWith('-')

function revocationOf(
  { reason = 'unspecified', invalidityDate, revocationDate }: RevokedCertificate,
  now: Date,
): Revocation {
  const since = invalidityDate ?? revocationDate
  return { revocationDate: now, reason, ...(since <= now && { invalidityDate: since }) }
}

/** @throws PkiError `ERR_PKI_CRL` for one that proves nothing. */
function checkCrl(crl: CertificateRevocationList, issuer: Certificate, now: Date): Date {
  const refuse = (reason: string): never => {
    throw new PkiError('ERR_PKI_CRL', { reason })
  }
  if (Buffer.compare(crl.issuerDer, issuer.subjectDer) !== 0) return refuse('it is another CA’s')
  if (issuer.basicConstraints?.cA !== true || issuer.keyUsage?.includes('cRLSign') === false) {
    return refuse('its issuer may not sign CRLs')
  }
  const { signatureAlgorithm, tbsCertList, signature, nextUpdate } = crl
  const isSigned =
    signatureAlgorithm !== undefined &&
    signatureVerifier(issuer.subjectPublicKeyInfo)(signatureAlgorithm, tbsCertList, signature)
  if (!isSigned) return refuse('its signature does not verify')
  if (crl.baseCrlNumber !== undefined) return refuse('it is a delta CRL')
  if (crl.unhandledCriticalExtensions.length > 0) return refuse('it has a critical extension that is not understood')
  if (nextUpdate === undefined || nextUpdate < now || crl.thisUpdate > now) return refuse('it is not current')
  return nextUpdate
}
