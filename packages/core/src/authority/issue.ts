import { hash } from 'node:crypto'
import {
  certificateFingerprint,
  type DistinguishedName,
  encodeCertificate,
  type GeneralName,
  type IoOptions,
  isPkiError,
  PkiError,
  toHex,
} from '@fleetcert/x509'
import type { Signer } from '../signer/signer.ts'
import type {
  CertificateId,
  Expectation,
  FleetEventInput,
  Holder,
  Reservation,
  ReserveResult,
  Store,
} from '../store/store.ts'
import type { CertificateTemplate } from './certificate-template.ts'
import type { ProcessHolder } from './holder.ts'
import { prepareCertificate } from './lint/prepare-certificate.ts'
import { type PreparedCertificate, preparedBytes, spendPrepared } from './prepared-certificate.ts'
import { randomSerialNumber } from './serial-number.ts'
import { signVerified } from './sign-verified.ts'
import type { Validity } from './validity.ts'
import type { Verification } from './verification/verification.ts'

/** All that one certificate needs beyond its template. Names come from the caller, never from a CSR. */
export interface IssueOrder {
  readonly template: CertificateTemplate
  readonly issuerKeyId: string
  readonly signer: Signer
  readonly subject: DistinguishedName
  readonly subjectAltName: readonly GeneralName[]
  readonly subjectPublicKeyInfo: Uint8Array
  readonly validity: Validity
  readonly expect: Expectation
  /** Drawn at random unless given. */
  readonly serialNumber?: Uint8Array
  readonly deviceId?: string
  readonly owner?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly shard?: number
  /** Where there are CRLs in shards: the shard of a serial number, and the template that names it, in place of `template` and `shard`. */
  readonly place?: (serialNumber: Uint8Array) => { readonly template: CertificateTemplate; readonly shard: number }
  /** SHA-256 of the enrolment token that the reservation spends. */
  readonly tokenHash?: Uint8Array
  /** `issued` or `renewed`. */
  readonly eventType?: 'issued' | 'renewed'
}

export interface IssuedCertificate {
  readonly id: CertificateId
  readonly der: Uint8Array
  readonly fingerprint: string
}

/** What an issue runs on. */
export interface IssueContext {
  readonly store: Store
  readonly holder: ProcessHolder
  readonly clock: () => Date
  /** For whoever issues often. */
  readonly verification?: Verification
}

/**
 * serial number → assemble → lint → reserve (durable) → sign → verify → commit (durable) → return.
 * A crash at any point leaves nothing, or the exact bytes that may have been signed, listed by `fleet.pending()` and revocable. Nothing is returned that is not committed.
 */
export async function issueCertificate(
  context: IssueContext,
  order: IssueOrder,
  options?: IoOptions,
  attempt = 1,
): Promise<IssuedCertificate> {
  const { store, holder, clock } = context
  const linted = assembleAndLint(order)
  const { id } = linted
  const at = clock()
  const held = holder.begin()
  try {
    const reservation = reservationOf(order, linted, held, at)
    const reserved = await store.reserve(reservation, [eventOf('issuing', at, id, order)], options)
    if (reserved === 'reserved') {
      const tbsCertificate = spendPrepared(linted.prepared)
      const signature = await signVerified(order.signer, tbsCertificate, options, context.verification)
      const der = encodeCertificate(tbsCertificate, order.signer.algorithm, signature)
      const fingerprint = certificateFingerprint(der)
      const issued = eventOf(order.eventType ?? 'issued', clock(), id, order, fingerprint)
      // Not to be aborted: what is signed is recorded and returned.
      const committed = await store.commit(id, der, [issued])
      if (committed === 'committed') return { id, der, fingerprint }
      throw new PkiError(committed === 'revoked' ? 'ERR_PKI_DEVICE_CLOSED' : 'ERR_PKI_COMMIT_LOST', {})
    }
    if (reserved !== 'serialTaken') throw refusalOf(reserved, order)
  } catch (error) {
    // It may have been reserved, or even signed: then the bytes stay on record, revocable, and no longer stand in the device's way. If this fails too, the holder tries again.
    if (!isRefusal(error)) await store.abandon({ ...id, at: clock() }).catch(() => holder.giveUp(id))
    throw error
  } finally {
    holder.end()
  }
  // A clash of 120 random bits is a broken generator, not chance: a few tries, then the truth.
  if (attempt < attempts && order.serialNumber === undefined)
    return issueCertificate(context, order, options, attempt + 1)
  throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'every serial number drawn is taken' })
}

const attempts = 3

/** What will be signed, and under which identity. */
interface Linted {
  readonly id: CertificateId
  readonly template: CertificateTemplate
  readonly shard: number
  readonly prepared: PreparedCertificate
}

function assembleAndLint(order: IssueOrder): Linted {
  const serialNumber = order.serialNumber ?? randomSerialNumber()
  const { template, shard = 0 } = order.place?.(serialNumber) ?? order
  const tbsCertificate = template.assemble({
    serialNumber,
    notBefore: order.validity.notBefore,
    notAfter: order.validity.notAfter,
    subject: order.subject,
    subjectPublicKeyInfo: order.subjectPublicKeyInfo,
    subjectAltName: order.subjectAltName,
  })
  const prepared = prepareCertificate(tbsCertificate, template.issuer)
  return { id: { issuerKeyId: order.issuerKeyId, serialNumber: toHex(serialNumber) }, template, shard, prepared }
}

function reservationOf(order: IssueOrder, linted: Linted, holder: Holder, createdAt: Date): Reservation {
  const { profile } = linted.template
  const reservation: Mutable<Reservation> = {
    id: linted.id,
    role: profile.role,
    profile: profile.name,
    publicKeyHash: hash('sha256', order.subjectPublicKeyInfo, 'buffer'),
    notBefore: order.validity.notBefore,
    notAfter: order.validity.notAfter,
    shard: linted.shard,
    createdAt,
    tbsCertificate: preparedBytes(linted.prepared),
    holder,
    expect: order.expect,
  }
  if (order.deviceId !== undefined) reservation.deviceId = order.deviceId
  if (order.owner !== undefined) reservation.owner = order.owner
  if (order.attributes !== undefined) reservation.attributes = order.attributes
  if (order.tokenHash !== undefined) reservation.tokenHash = order.tokenHash
  return reservation
}

function eventOf(
  type: FleetEventInput['type'],
  at: Date,
  certificate: CertificateId,
  { deviceId }: IssueOrder,
  fingerprint?: string,
): FleetEventInput {
  const event: Mutable<FleetEventInput> = { type, at, certificate }
  if (deviceId !== undefined) event.deviceId = deviceId
  if (fingerprint !== undefined) event.fingerprint = fingerprint
  return event
}

// Members are set one by one: spreading a conditional object for each of them costs several times as much, for every certificate.
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function refusalOf(reserved: Exclude<ReserveResult, 'reserved' | 'serialTaken'>, order: IssueOrder): PkiError {
  switch (reserved) {
    case 'keyBlocked':
      return new PkiError('ERR_PKI_KEY_BLOCKED', {})
    case 'deviceClosed':
      return new PkiError('ERR_PKI_DEVICE_CLOSED', {})
    case 'tokenSpent':
      return new PkiError('ERR_PKI_TOKEN_SPENT', {})
    case 'expectationFailed': {
      const deviceId = order.deviceId ?? ''
      return typeof order.expect === 'object'
        ? new PkiError('ERR_PKI_RENEWAL_BUSY', { deviceId })
        : new PkiError('ERR_PKI_DEVICE_EXISTS', { deviceId })
    }
  }
}

/** The store said no, and there is no reservation to give up. */
function isRefusal(error: unknown): boolean {
  return refusals.some(code => isPkiError(error, code))
}

const refusals = [
  'ERR_PKI_KEY_BLOCKED',
  'ERR_PKI_DEVICE_CLOSED',
  'ERR_PKI_TOKEN_SPENT',
  'ERR_PKI_DEVICE_EXISTS',
  'ERR_PKI_RENEWAL_BUSY',
] as const
