import type { CertificateRecord, CertificateRole, CertificateState, CrlReason, Revocation } from '@fleetcert/core'
import { type Column, dateOf, hexOf, isThere, jsonOf, numberOf, octetsOf, type Row, textOf } from './columns.ts'

/** The columns of `records` in the order of {@link decodeRecord}; one more, `device`, is for listings. */
export const recordColumns = `r.ordinal, r.issuer_key_id, r.serial_number, r.state, r.role, r.profile, r.device_id, r.owner,
  r.attributes, r.public_key_hash, r.not_before, r.not_after, r.shard, r.created_at, r.der, r.fingerprint,
  r.tbs_certificate, r.instance, r.lease_until, r.superseded_at, r.revocation_date, r.reason, r.invalidity_date`

export function decodeRecord(row: Row): CertificateRecord {
  const [, issuer, serial, state, role, profile, device, owner, attributes, key, notBefore, notAfter, shard] = row
  const [createdAt, der, fingerprint, tbs, instance, leaseUntil, supersededAt, date, reason, invalidity] = row.slice(13)
  const revocation = decodeRevocation(date, reason, invalidity)
  return {
    id: { issuerKeyId: hexOf(issuer), serialNumber: hexOf(serial) },
    role: textOf(role) as CertificateRole,
    profile: textOf(profile),
    ...(isThere(device) && { deviceId: textOf(device) }),
    ...(isThere(owner) && { owner: textOf(owner) }),
    ...(isThere(attributes) && { attributes: jsonOf(attributes) as Record<string, string> }),
    publicKeyHash: octetsOf(key),
    notBefore: dateOf(notBefore),
    notAfter: dateOf(notAfter),
    shard: numberOf(shard),
    createdAt: dateOf(createdAt),
    state: textOf(state) as CertificateState,
    ...(isThere(der) && { der: octetsOf(der) }),
    ...(isThere(fingerprint) && { fingerprint: octetsOf(fingerprint) }),
    ...(isThere(tbs) && { tbsCertificate: octetsOf(tbs) }),
    ...(isThere(instance) && { holder: { instance: textOf(instance), leaseUntil: dateOf(leaseUntil) } }),
    ...(isThere(supersededAt) && { supersededAt: dateOf(supersededAt) }),
    ...(revocation && { revocation }),
  }
}

export function decodeRevocation(
  date: Column | undefined,
  reason: Column | undefined,
  invalidityDate: Column | undefined,
): Revocation | undefined {
  if (!isThere(date)) return undefined
  return {
    revocationDate: dateOf(date),
    reason: textOf(reason) as CrlReason,
    ...(isThere(invalidityDate) && { invalidityDate: dateOf(invalidityDate) }),
  }
}
