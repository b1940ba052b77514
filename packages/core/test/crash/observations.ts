import { createHash } from 'node:crypto'
import type { CertificateId, CrlReason, FleetEvent, Revocation, SignedCrl } from '@fleetcert/core'
import type { SignatureAlgorithm } from '@fleetcert/x509'

/** A message that a key of the fleet was asked to sign. */
export interface SigningRequest {
  /** Lower-case hex, SHA-256 of the signer's SubjectPublicKeyInfo. */
  readonly issuerKeyId: string
  readonly algorithm: SignatureAlgorithm
  /** TBSCertificate or TBSCertList, DER. */
  readonly message: Uint8Array
}

export interface SignedMessage extends SigningRequest {
  readonly signature: Uint8Array
}

/** A certificate that a caller got. */
export interface ReturnedCertificate {
  readonly id: CertificateId
  readonly der: Uint8Array
  readonly deviceId?: string
  /** It was asked for by one who may ask again, and is then answered the same. */
  readonly isRepeatable?: true
}

/** A one-time token that a caller got. */
export interface ReturnedToken {
  readonly deviceId: string
  readonly token: string
  /** With which it was tried last. */
  csr?: string | Uint8Array
}

/** A certificate by which its device asked for the next one: it must go on to be good. */
export interface PresentedCertificate {
  readonly deviceId: string
  readonly fingerprint: string
}

/** A revocation that a caller was told of. */
export interface AnsweredRevocation {
  /** Given when all of the device was revoked. */
  readonly deviceId?: string
  /** What this very call revoked. */
  readonly certificates: readonly CertificateId[]
  /** Of one call, not of the pages of many. */
  readonly revocationDate?: Date
  readonly reason: CrlReason
  /** By `performance.now()`. */
  readonly answeredAt?: number
}

/** A CRL that a caller got. */
export interface AnsweredCrl {
  /** `issuerKeyId.shard` */
  readonly scope: string
  readonly crlNumber: bigint
  /** SHA-256 of its DER, hex. */
  readonly hash: string
}

/** What a full CRL says: reasons by serial number. */
export type Listed = ReadonlyMap<string, string>

/** What an earlier check found, so that the next one sees what was taken back. */
export interface Seen {
  /** Each event as JSON, in order. */
  ledger: readonly string[]
  /** By `issuerKeyId.serialNumber`. */
  readonly rows: Map<string, { state: string; der?: Uint8Array; revocation?: Revocation; supersededAt?: Date }>
}

/** All that is known of a fleet from outside its store, over all of its processes. */
export interface Observations {
  /** Noted before it was signed. */
  readonly signing: SigningRequest[]
  /** Noted once it was. */
  readonly signed: SignedMessage[]
  readonly returned: ReturnedCertificate[]
  readonly tokens: ReturnedToken[]
  readonly presented: PresentedCertificate[]
  /** Of which somebody asked to end older certificates: by confirming a newer one, or by renewing as an operator. */
  readonly confirmed: Set<string>
  /** Devices that somebody asked to revoke, whatever came of it: tokens that were made before may be void. */
  readonly closed: Set<string>
  /** Devices that an operator renewed, who says himself when the old certificate ends. */
  readonly operatorRenewals: string[]
  readonly revocations: AnsweredRevocation[]
  /** How often anybody asked to lift a hold: from then on it is not known who is held. */
  releases: number
  readonly crls: AnsweredCrl[]
  /** Of full CRLs, by `issuerKeyId.shard` and number. */
  readonly listed: Map<string, Listed>
  /** Device ids that somebody asked for, whatever came of it. */
  readonly deviceIds: Set<string>
  /** What was found wrong at the moment it happened. */
  readonly violations: string[]
  readonly seen: Seen
}

export function createObservations(): Observations {
  return {
    signing: [],
    signed: [],
    returned: [],
    tokens: [],
    presented: [],
    confirmed: new Set(),
    closed: new Set(),
    operatorRenewals: [],
    revocations: [],
    releases: 0,
    crls: [],
    listed: new Map(),
    deviceIds: new Set(),
    violations: [],
    seen: { ledger: [], rows: new Map() },
  }
}

/** A certificate's identity as the key of a Map. */
export function idKey(id: CertificateId): string {
  return `${id.issuerKeyId}.${id.serialNumber}`
}

export function answeredCrl({ issuerKeyId, shard, delta, crlNumber, der }: SignedCrl): AnsweredCrl {
  return {
    scope: `${issuerKeyId}.${shard}${delta ? '.delta' : ''}`,
    crlNumber,
    hash: createHash('sha256').update(der).digest('hex'),
  }
}

/** An event without its place in a listing. */
export function eventText({ cursor: _, ...event }: FleetEvent): string {
  return JSON.stringify(event)
}
