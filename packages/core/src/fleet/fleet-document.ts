import { PkiError } from '@fleetcert/x509'
import type { CertificateId } from '../store/store.ts'

/** Name of the document that says which CAs a fleet has. */
export const fleetDocumentName = 'fleet'

export interface PlannedCa {
  readonly role: 'root' | 'issuingCa'
  /** Name in its keyring. */
  readonly keyName: string
  /** Drawn before anything is signed, so that a first start which died is taken up where it stopped. */
  readonly serialNumber: string
}

/** `creating`: recorded before the keys are made. `ready`: both CA certificates exist. Kept as JSON. */
export type FleetDocument =
  | {
      readonly format: 1
      readonly phase: 'creating'
      readonly organization?: string
      readonly createdAt: string
      readonly authorities: readonly PlannedCa[]
    }
  | {
      readonly format: 1
      readonly phase: 'ready'
      readonly organization?: string
      /** Where certificates say that CRLs are published; `null`: nowhere. Absent until the first start is over. */
      readonly baseUrl?: string | null
      /** Whether the IDP may name that place: `false` once there are certificates that name another. */
      readonly distributionPointInCrl?: boolean
      /** In how many CRL shards there are certificates, at the most ever; absent: 1. */
      readonly crlShards?: number
      /** Base URLs that certificates in shards name, beside the current one. */
      readonly formerBaseUrls?: readonly string[]
      /** Whether delta CRLs are published. */
      readonly deltaCrl?: boolean
      readonly createdAt: string
      readonly authorities: readonly (PlannedCa & {
        readonly id: CertificateId /** DER, base64. */
        readonly certificate: string
      })[]
    }

export function encodeFleetDocument(document: FleetDocument): Uint8Array {
  return Buffer.from(JSON.stringify(document))
}

/** @throws PkiError `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_SCHEMA` */
export function decodeFleetDocument(value: Uint8Array): FleetDocument {
  let document: FleetDocument
  try {
    document = JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document is not JSON' })
  }
  if (typeof document?.format !== 'number') {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document has no format' })
  }
  if (document.format !== 1) throw new PkiError('ERR_PKI_STORE_SCHEMA', { found: document.format, supported: 1 })
  return document
}
