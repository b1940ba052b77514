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
import type { CertificateId, Events, Expectation, FleetEventInput, Holder, Store } from '../store/store.ts'
import type { CertificateTemplate } from './certificate-template.ts'
import type { ProcessHolder } from './holder.ts'
import { signVerified } from './issuer.ts'
import { prepareCertificate } from './lint/prepare-certificate.ts'
import { preparedBytes, spendPrepared } from './prepared-certificate.ts'
import { randomSerialNumber } from './serial-number.ts'
import type { Validity } from './validity.ts'

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
}

/**
 * serial number → assemble → lint → reserve (durable) → sign → verify → commit (durable) → return.
 * A crash at any point leaves nothing, or the exact bytes that may have been signed, listed by `fleet.pending()` and revocable. Nothing is returned that is not committed.
 */
export async function issueCertificate(
  context: IssueContext,
  order: IssueOrder,
  options?: IoOptions,
): Promise<IssuedCertificate> {
  // A clash of 120 random bits is a broken generator, not chance: a few tries, then the truth.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const issued = await issueOnce(context, order, order.serialNumber ?? randomSerialNumber(), options)
    if (issued !== 'serialTaken') return issued
    if (order.serialNumber !== undefined) break
  }
  throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'every serial number drawn is taken' })
}

async function issueOnce(
  { store, holder, clock }: IssueContext,
  order: IssueOrder,
  serial: Uint8Array,
  options?: IoOptions,
): Promise<IssuedCertificate | 'serialTaken'> {
  const { template, validity, signer } = order
  const prepared = prepareCertificate(
    template.assemble({
      serialNumber: serial,
      notBefore: validity.notBefore,
      notAfter: validity.notAfter,
      subject: order.subject,
      subjectPublicKeyInfo: order.subjectPublicKeyInfo,
      subjectAltName: order.subjectAltName,
    }),
    template.issuer,
  )
  const id: CertificateId = { issuerKeyId: order.issuerKeyId, serialNumber: toHex(serial) }
  const named = order.deviceId === undefined ? {} : { deviceId: order.deviceId }
  const at = clock()

  return holder.hold(async held => {
    try {
      return await reserveSignCommit(held)
    } catch (error) {
      // It may have been reserved, or even signed: then the bytes stay on record, revocable, and no longer stand in the device's way. If this fails too, the holder tries again.
      if (!isRefusal(error)) await store.abandon({ ...id, at: clock() }).catch(() => holder.giveUp(id))
      throw error
    }
  })

  async function reserveSignCommit(held: Holder): Promise<IssuedCertificate | 'serialTaken'> {
    const issuing: FleetEventInput = { type: 'issuing', at, certificate: id, ...named }
    const reserved = await store.reserve(
      {
        id,
        role: template.profile.role,
        profile: template.profile.name,
        ...named,
        ...(order.owner === undefined ? {} : { owner: order.owner }),
        ...(order.attributes === undefined ? {} : { attributes: order.attributes }),
        publicKeyHash: hash('sha256', order.subjectPublicKeyInfo, 'buffer'),
        notBefore: validity.notBefore,
        notAfter: validity.notAfter,
        shard: order.shard ?? 0,
        createdAt: at,
        tbsCertificate: preparedBytes(prepared),
        holder: held,
        expect: order.expect,
      },
      [issuing],
      options,
    )
    switch (reserved) {
      case 'reserved':
        break
      case 'serialTaken':
        return 'serialTaken'
      case 'keyBlocked':
        throw new PkiError('ERR_PKI_KEY_BLOCKED', {})
      case 'deviceClosed':
        throw new PkiError('ERR_PKI_DEVICE_CLOSED', {})
      case 'tokenSpent':
        throw new PkiError('ERR_PKI_TOKEN', {})
      case 'expectationFailed':
        if (typeof order.expect === 'object')
          throw new PkiError('ERR_PKI_RENEWAL_BUSY', { deviceId: order.deviceId ?? '' })
        throw new PkiError('ERR_PKI_DEVICE_EXISTS', { deviceId: order.deviceId ?? '' })
    }

    return signAndCommit()
  }

  async function signAndCommit(): Promise<IssuedCertificate> {
    const tbsCertificate = spendPrepared(prepared)
    const signature = await signVerified(signer, tbsCertificate, options)
    const der = encodeCertificate(tbsCertificate, signer.algorithm, signature)
    const fingerprint = certificateFingerprint(der)
    const issued: Events = [{ type: order.eventType ?? 'issued', at: clock(), certificate: id, fingerprint, ...named }]
    // Not to be aborted: what is signed is recorded and returned.
    const committed = await store.commit(id, der, issued)
    if (committed === 'revoked') throw new PkiError('ERR_PKI_DEVICE_CLOSED', {})
    if (committed === 'lost') throw new PkiError('ERR_PKI_COMMIT_LOST', {})
    return { id, der, fingerprint }
  }
}

/** The store said no, and there is no reservation to give up. */
function isRefusal(error: unknown): boolean {
  return refusals.some(code => isPkiError(error, code))
}

const refusals = [
  'ERR_PKI_KEY_BLOCKED',
  'ERR_PKI_DEVICE_CLOSED',
  'ERR_PKI_TOKEN',
  'ERR_PKI_DEVICE_EXISTS',
  'ERR_PKI_RENEWAL_BUSY',
] as const
