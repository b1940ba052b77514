import type { CrlReason, IoOptions } from '@fleetcert/x509'
import type { EnforcementCount } from '../fleet.ts'
import type { Adoption, AdoptionRequest } from './adoption.ts'
import type { Dependents } from './dependents.ts'

/** A step of a rollover. */
export type RolloverStep = 'announce' | 'issue' | 'retire' | 'withdraw'

/** What is rolled over; read with `announce` alone. */
export interface RolloverRequest {
  /**
   * Whether the root is replaced with the issuing CA. `external`: the new issuing CA waits for the certificate of another's root, the one it has or a new one (`fleet.issuerRequest`, `fleet.importIssuer`).
   * Default: false, or where the root is another's `external`.
   */
  readonly root?: boolean | 'external'
  /** With a new root, whether old and new root certify each other, so that a device which knows one of them takes what the other has signed. False where the old root's key is lost. Default true. */
  readonly crossCertificates?: boolean
  /** With `retire`: also while something depends on the old CAs. It is cut off. Default false. */
  readonly force?: boolean
}

/** How far the last rollover is. */
export interface RolloverState {
  /** What is replaced: the issuing CA alone, or the root with it. */
  readonly scope: 'issuingCa' | 'root'
  /**
   * `announcing`: the new CAs are being made, or one waits for the certificate of an external root. `announced`: they are trusted, and published. `issuing`: they issue; the old ones are trusted, and publish their CRLs.
   * `retired`: the old ones are not trusted any more. `withdrawn`: the new ones never issued.
   */
  readonly phase: 'announcing' | 'announced' | 'issuing' | 'retired' | 'withdrawn'
  /** When it came to that phase. */
  readonly since: Date
  readonly startedAt: Date
  /** The issuing CA whose certificate request waits to be signed; see `fleet.issuerRequest`. */
  readonly isAwaitingIssuer: boolean
}

/** {@link RolloverState}, and what stands in the way of its end. */
export interface RolloverStatus extends RolloverState {
  /** What is in use of the CAs that are to go. */
  readonly dependents: Dependents
}

/** The request of an issuing CA that waits for its certificate. */
export interface IssuerRequest {
  /** PKCS #10, PEM. */
  readonly csr: string
  /** Hash of its key: lower-case hex. */
  readonly issuerKeyId: string
}

/** What a subordinate CA is to be. */
export interface SubordinateRequest {
  /** Default: the issuing CAs' of this fleet, ten years; cut at the root's end, unless it was asked for. */
  readonly validitySeconds?: number
}

/** A CA certificate that was made for somebody else. */
export interface SubordinateCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM: what leads from it to the root, the root last: the `chain` of `importIssuer`. */
  readonly chain: string
  readonly serialNumber: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** What becomes of the certificates of a CA that is revoked. */
export interface RevokeIssuerRequest {
  /** Default `cACompromise`. */
  readonly reason?: CrlReason
  /** So long may devices renew by a certificate of it, whatever else it is good for; over the hub's HTTP face alone. 0: never. Default 30 days. */
  readonly renewableSeconds?: number
}

/** What a revoked CA leaves to do. */
export interface IssuerRevocation {
  readonly issuerKeyId: string
  readonly revocationDate: Date
  readonly reason: CrlReason
  /** The CA that issues now. */
  readonly issuingKeyId: string
  /** Until when devices may renew by its certificates. */
  readonly renewableUntil: Date
  /** Never rejects; settles when every device that has nothing better was silenced, on the brokers that this process reaches. */
  readonly enforced: Promise<EnforcementCount>
}

/** What was taken over from the CRL of a CA that is not the fleet's. */
export interface CrlImport {
  /** Registered certificates that this call revoked, or put on hold. */
  readonly revoked: number
  readonly nextUpdate: Date
}

/** What a fleet does about its CAs. */
export interface IssuerOperations {
  /**
   * Takes the next step of replacing the issuing CA, or the root with it. Each step may be asked for again, after a crash as well: it is finished, or has been. One process at a time: `ERR_PKI_BUSY`.
   *
   * `announce` makes the new CAs, which are trusted from then on and issue nothing. `issue` puts them in the place of the old ones, which stay trusted and go on publishing. `retire` ends the old ones: refused with
   * `ERR_PKI_ISSUER_IN_USE` and counts while certificates of them are in use. `withdraw` takes an announcement back that has not been followed.
   *
   * Rejects `ERR_PKI_ROLLOVER` for a step that is not the next one and for a new root while the issuing CA alone is announced, `ERR_PKI_KEY_MISSING` where the root's key is away (nothing has happened then), `ERR_PKI_SIGNER`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  rollover(step: RolloverStep, request?: RolloverRequest, options?: IoOptions): Promise<RolloverState>
  /** How far the last rollover is, and what depends on the old CAs; `undefined` where there never was one. Looks at every certificate of the fleet, page by page. */
  rolloverStatus(options?: IoOptions): Promise<RolloverStatus | undefined>
  /** What is in use of all that one CA has issued. As slow as {@link IssuerOperations.rolloverStatus}. Rejects `ERR_PKI_ISSUER_UNKNOWN`. */
  dependents(issuerKeyId: string, options?: IoOptions): Promise<Dependents>
  /**
   * Ends a CA that issues nothing any more, such as an adopted one: it is not trusted, and what it has issued is superseded. Asked again, nothing is left to do. `force` as in {@link RolloverRequest}.
   * Rejects `ERR_PKI_ISSUER_UNKNOWN`, `ERR_PKI_CA_IN_USE` for one that issues, `ERR_PKI_ISSUER_IN_USE`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  retireIssuer(issuerKeyId: string, request?: { readonly force?: boolean }, options?: IoOptions): Promise<void>
  /**
   * The CA's key is in the wrong hands. At once, for every process within a second: another issuing CA takes its place where it was the one that issues, all that it has issued counts as revoked, and every certificate of
   * a device is to be renewed. On the root's CRL it is as soon as the root signs. Devices renew by what they have for `renewableSeconds`: what they show is on record here, which no forgery is.
   *
   * Of a root, its CAs go with it; it needs another one in its place first: `ERR_PKI_CA_IN_USE`. Asked again, what is left is done. Rejects `ERR_PKI_ISSUER_UNKNOWN`, `ERR_PKI_KEY_MISSING` where no successor can be
   * signed (nothing has happened then), `ERR_PKI_BUSY`, `ERR_PKI_SIGNER`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  revokeIssuer(issuerKeyId: string, request?: RevokeIssuerRequest, options?: IoOptions): Promise<IssuerRevocation>
  /** What an external root is to sign. Rejects `ERR_PKI_ROLLOVER` where nothing waits for one, `ERR_PKI_KEY_MISSING`, `ERR_PKI_SIGNER`. */
  issuerRequest(options?: IoOptions): Promise<IssuerRequest>
  /**
   * Takes the certificate that was made of {@link IssuerOperations.issuerRequest}, PEM or DER. `chain`: PEM of the CAs above it, the self-signed root among them. At the first start the fleet is `ready` then; in a rollover the
   * CA is announced. The same again is no error. All of it is verified: the key, that it is a CA whose path may end at a device, every signature, validity and constraint up to the root.
   * Rejects `ERR_PKI_ISSUER_CERTIFICATE`, `ERR_PKI_PEM`, `ERR_PKI_DER`, `ERR_PKI_CERTIFICATE`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_ROLLOVER`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  importIssuer(
    certificate: string | Uint8Array,
    request: { readonly chain: string },
    options?: IoOptions,
  ): Promise<void>
  /**
   * Signs the request of another fleet's issuing CA with this fleet's root: on the machine that has it, and is offline. Its names are taken from the request, nothing else. On record, and revocable, like all that is issued.
   * Rejects `ERR_PKI_CSR`, `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY`, `ERR_PKI_KEY_BLOCKED`, `ERR_PKI_NAME`, `ERR_PKI_VALIDITY`, `ERR_PKI_KEY_MISSING`, `ERR_PKI_SIGNER`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  signSubordinate(
    csr: string | Uint8Array,
    request?: SubordinateRequest,
    options?: IoOptions,
  ): Promise<SubordinateCertificate>
  /**
   * Takes over a CA that has certified devices without a fleet, with its key and what it has issued. Its devices stay what they are, can be revoked, and get certificates of the fleet's own CA when they renew.
   * It is trusted until `retireIssuer`. Asked again, it goes on: what was taken over is passed over. Rejects `ERR_PKI_ISSUER_CERTIFICATE`, `ERR_PKI_KEY_UNREADABLE` for a key that is not the CA's, `ERR_PKI_KEY_POLICY`,
   * `ERR_PKI_PEM`, `ERR_PKI_KEY_EXISTS`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  adoptIssuer(request: AdoptionRequest, options?: IoOptions): Promise<Adoption>
  /**
   * Takes over what the CRL of another CA says of the certificates that were registered here: what it lists is revoked, or on hold. What it lists no more stays so until `release`: whose hold it was nobody knows.
   * `issuer`: that CA's certificate, PEM; it must have signed the CRL, which must be current, and no delta CRL. Of a foreign root or intermediate CA of this fleet, `fleet.crl` answers it from then on.
   * Rejects `ERR_PKI_CRL`, `ERR_PKI_CERTIFICATE`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  importCrl(crl: string | Uint8Array, request: { readonly issuer: string }, options?: IoOptions): Promise<CrlImport>
}
