import type { Certificate } from '@fleetcert/x509'
import type { KeyRef } from './adopted-key.ts'

/** A CA to take over, with what it has issued. */
export interface AdoptionRequest {
  /** The CA's certificate, PEM or DER. */
  readonly certificate: string | Uint8Array
  /** PEM of the CAs above it, the root among them; absent where it is self-signed. */
  readonly chain?: string
  /** Its key: PEM, which the issuing keyring keeps from then on, or the name that it has there. */
  readonly key: KeyRef
  /**
   * What it has issued, PEM or DER, one certificate each or several in one PEM: devices, services, servers. What is not taken over is unknown to the fleet, and nobody who asks it lets it in.
   */
  readonly certificates?: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>
  /**
   * Whose a certificate is; `undefined` passes it over. Default: the device of its common name; a server's, if it has the purpose serverAuth and not clientAuth.
   */
  readonly assign?: (certificate: Certificate) => AdoptedAs | undefined
}

/** Whose an adopted certificate is. */
export type AdoptedAs =
  | {
      readonly role?: 'device' | 'service'
      readonly deviceId: string
      readonly owner?: string
      readonly attributes?: Readonly<Record<string, string>>
    }
  | { readonly role: 'server' }

/** Why a certificate was not taken over. */
export type AdoptionRefusal =
  /** It is none, or none that can be read. */
  | 'unreadable'
  /** Another CA has signed it. */
  | 'foreignIssuer'
  /** It is a CA itself. */
  | 'ca'
  /** `assign` passed it over, or its common name can be no device id. */
  | 'unassigned'
  /** Its key is weak, or blocked. */
  | 'key'
  /** Another certificate of that CA has its serial number: CRLs and OCSP could not tell them apart. */
  | 'serialTaken'

/** What was taken over. */
export interface Adoption {
  readonly issuerKeyId: string
  /** By this call. */
  readonly adopted: number
  /** By an earlier one. */
  readonly known: number
  /** That have expired: they are of no use, and were passed over. */
  readonly expired: number
  /** `index`: counts what `certificates` gave, from 0; those of one PEM have the same. */
  readonly refused: readonly { readonly index: number; readonly reason: AdoptionRefusal }[]
}
