import { type IoOptions, PkiError } from '@fleetcert/x509'
import type { CertificateId, Store, Versioned } from '../store/store.ts'
import type { AuthorityRecord } from './issuers/authority-record.ts'
import type { RolloverRecord } from './issuers/rollover-record.ts'

/** Name of the document that says which CAs a fleet has. */
export const fleetDocumentName = 'fleet'

/** Kept as JSON. Dates are ISO 8601. */
export interface FleetDocument {
  readonly format: 2
  /** `creating`: recorded before the first keys are made. `ready`: the first CAs exist, or wait for the certificate of an external root. */
  readonly phase: 'creating' | 'ready'
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
  /** The document's version when one of these last changed: CRLs that were made before that are made anew. */
  readonly crlVersion: number
  readonly createdAt: string
  readonly authorities: readonly AuthorityRecord[]
  /** The last one, whatever has become of it. */
  readonly rollover?: RolloverRecord
}

/** The document with what compare-and-swap needs. */
export interface FoundDocument {
  readonly document: FleetDocument
  readonly version: number
}

export function encodeFleetDocument(document: FleetDocument): Uint8Array {
  return Buffer.from(JSON.stringify(document))
}

/**
 * The fleet document as of now. One of the first format is answered as one of this; it is kept so from its next change on, and then no older version opens the fleet.
 * @throws PkiError `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_SCHEMA`
 */
export async function findFleetDocument(store: Store, options?: IoOptions): Promise<FoundDocument | undefined> {
  const found = await store.document(fleetDocumentName, options)
  return found === undefined ? undefined : decodeFleetDocument(found)
}

/**
 * The fleet document in what a store has kept under its name.
 * @throws PkiError `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_SCHEMA`
 */
export function decodeFleetDocument({ value, version }: Versioned): FoundDocument {
  let document: FleetDocument | FirstFormat
  try {
    document = JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document is not JSON' })
  }
  if (typeof document?.format !== 'number') {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the fleet document has no format' })
  }
  switch (document.format) {
    case 1:
      return { document: fromFirstFormat(document, version), version }
    case 2:
      return { document, version }
    default:
      throw new PkiError('ERR_PKI_STORE_SCHEMA', { found: (document as FleetDocument).format, supported: 2 })
  }
}

/** Knew one root and one issuing CA. */
interface FirstFormat extends Omit<FleetDocument, 'format' | 'authorities' | 'crlVersion' | 'rollover'> {
  readonly format: 1
  readonly authorities: readonly {
    readonly role: 'root' | 'issuingCa'
    readonly keyName: string
    readonly serialNumber: string
    readonly id?: CertificateId
    readonly certificate?: string
  }[]
}

function fromFirstFormat(document: FirstFormat, version: number): FleetDocument {
  return {
    ...document,
    format: 2,
    crlVersion: version,
    authorities: document.authorities.map(
      ({ role, keyName, serialNumber, id, certificate }): AuthorityRecord => ({
        role,
        keyring: role === 'root' ? 'root' : 'issuing',
        keyName,
        issuedBy: 'root',
        serialNumber,
        ...(id === undefined || certificate === undefined
          ? { state: 'planned' }
          : { state: 'active', own: { id, certificate } }),
      }),
    ),
  }
}
