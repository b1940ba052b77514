import { createHash } from 'node:crypto'
import {
  type Certificate,
  certificateFingerprint,
  checkNames,
  type IoOptions,
  keyId,
  PkiError,
  parseCertificate,
} from '@fleetcert/x509'
import { checkedNow } from '../authority/check-clock.ts'
import type { Issuer } from '../authority/issuer.ts'
import { checkKeyPolicy } from '../authority/key-policy.ts'
import type { PinnedCertificate } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import { deviceRecordOf } from './device-record.ts'
import type { DeviceRecord, Fleet, RegisterRequest } from './fleet.ts'
import { checkAttributes, checkIdentifier } from './identifier.ts'
import type { Authority } from './issuers/issuer-set.ts'

/** The part of a fleet that knows certificates of others. */
export function createRegister(parts: FleetParts): Fleet['register'] {
  const { store, clock, checkBlocked, issuers } = parts

  return async (
    deviceId: string,
    input: string | Uint8Array,
    request: RegisterRequest = {},
    options?: IoOptions,
  ): Promise<DeviceRecord> => {
    checkIdentifier(deviceId, 'deviceId')
    checkNames('register', request, { owner: true, attributes: true })
    const { owner, attributes } = request
    if (owner !== undefined) checkIdentifier(owner, 'owner')
    // A copy: what is kept must be what was looked at.
    const certificate = parseCertificate(input instanceof Uint8Array ? new Uint8Array(input) : input)
    checkKeyPolicy(certificate.publicKey)
    if (checkBlocked !== undefined) await checkBlocked(certificate.subjectPublicKeyInfo)
    const now = await checkedNow(store, clock, options)
    if (now.getTime() >= certificate.notAfter.getTime() + 1000) {
      throw new PkiError('ERR_PKI_VALIDITY', { reason: 'the certificate has expired' })
    }
    const { authorities } = await issuers.fresh(options)
    const pinned = pinnedCertificate(certificate, authorities, {
      deviceId,
      ...(owner !== undefined && { owner }),
      ...(attributes !== undefined && { attributes: checkAttributes(attributes) }),
      createdAt: now,
    })
    const fingerprint = certificateFingerprint(certificate.der)
    const event = { type: 'registered', at: now, deviceId, certificate: pinned.id, fingerprint } as const
    const result = await store.register(pinned, [event], options)
    if (result === 'taken') throw new PkiError('ERR_PKI_PIN_TAKEN', {})
    if (result === 'keyBlocked') throw new PkiError('ERR_PKI_KEY_BLOCKED', {})
    // As it is now: a revocation of before stays.
    const record = await store.certificate({ fingerprint: pinned.fingerprint }, options)
    const device = record === undefined ? undefined : deviceRecordOf(record, now)
    if (device === undefined)
      throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'a registered certificate is gone' })
    return device
  }
}

function pinnedCertificate(
  certificate: Certificate,
  authorities: readonly Authority[],
  device: Pick<PinnedCertificate, 'deviceId' | 'owner' | 'attributes' | 'createdAt'>,
): PinnedCertificate {
  const { der, serialNumber, subjectPublicKeyInfo, notBefore, notAfter } = certificate
  if (serialNumber.startsWith('-')) throw new PkiError('ERR_PKI_CERTIFICATE', { reason: 'negative serial number' })
  // What the fleet's own CAs have issued it knows itself: a pin would bring back what was revoked and dropped.
  const isOwn = authorities.some(
    ({ issuer, record }) =>
      record.keyName !== undefined && (issuer.keyId === keyId(subjectPublicKeyInfo) || names(certificate, issuer)),
  )
  if (isOwn) throw new PkiError('ERR_PKI_CERTIFICATE', { reason: 'the fleet’s own CA is named as its issuer' })
  return {
    ...device,
    id: { issuerKeyId: issuerKeyIdOf(certificate), serialNumber },
    role: 'device',
    profile: 'pinned',
    publicKeyHash: createHash('sha256').update(subjectPublicKeyInfo).digest(),
    notBefore,
    notAfter,
    shard: 0,
    der,
    fingerprint: createHash('sha256').update(der).digest(),
  }
}

/** Another fleet's CA may be called the same; its key identifier is another. */
function names({ issuerDer, authorityKeyIdentifier }: Certificate, { certificate: ca }: Issuer): boolean {
  const { subjectKeyIdentifier } = ca
  if (Buffer.compare(issuerDer, ca.subjectDer) !== 0) return false
  if (authorityKeyIdentifier === undefined || subjectKeyIdentifier === undefined) return true
  return Buffer.compare(authorityKeyIdentifier, subjectKeyIdentifier) === 0
}

/**
 * Of a certificate that names itself as its issuer, the hash of its own key. The key of another issuer is not known here: its name and authorityKeyIdentifier stand for it, hashed behind a text that no
 * SubjectPublicKeyInfo begins with, so that no stranger's certificate can be taken for one of a CA of ours.
 */
function issuerKeyIdOf({ issuerDer, subjectDer, subjectPublicKeyInfo, authorityKeyIdentifier }: Certificate): string {
  if (Buffer.compare(issuerDer, subjectDer) === 0) return keyId(subjectPublicKeyInfo)
  return pinnedIssuerId(issuerDer, authorityKeyIdentifier)
}

/** What stands for the key of another issuer in a registered certificate's id. */
export function pinnedIssuerId(issuerDer: Uint8Array, authorityKeyIdentifier?: Uint8Array): string {
  const hash = createHash('sha256').update('fleetcert pinned issuer\0').update(issuerDer)
  return hash.update(authorityKeyIdentifier ?? new Uint8Array()).digest('hex')
}
