import {
  encodeCertIdIssuer,
  type IoOptions,
  type MessageSigner,
  type OcspCertId,
  type OcspCertificateStatus,
  type OcspIssuer,
} from '@fleetcert/x509'

/** Who signs a CA's answers at a time. */
export interface OcspSigning {
  readonly signer: MessageSigner
  /**
   * The delegate's certificate, DER: issued directly by the CA, for OCSPSigning, with id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2). Absent where the CA's own key signs. No answer reaches past its `notAfter`.
   */
  readonly certificate?: { readonly der: Uint8Array; readonly notAfter: Date }
}

/** A CA whose certificates a responder speaks of. */
export interface OcspAuthority {
  /** The CA's certificate, as `parseCertificate` reads it. */
  readonly issuer: OcspIssuer
  /**
   * Who signs now. Give the same object as long as nothing changes. `undefined`: nobody can any more, and clients are told `unauthorized`. A rejection is `tryLater`.
   */
  signing(now: Date, options?: IoOptions): OcspSigning | undefined | Promise<OcspSigning | undefined>
  /** What is recorded of a certificate, by its serial number in lower-case hex. `undefined`: there is no record of it, and clients are told `unauthorized` (RFC 9919 section 3.2.3). A rejection is `tryLater`. */
  status(serialNumber: string, options?: IoOptions): Promise<OcspCertificateStatus | undefined>
}

/** The ways in which clients name one CA: two hashes, with and without parameters of the algorithm. */
export function certIdIssuersOf(issuer: OcspIssuer): Uint8Array[] {
  return (['sha1', 'sha256'] as const).flatMap(hash =>
    [true, false].map(parameters => encodeCertIdIssuer(issuer, hash, { parameters })),
  )
}

/** Finds the CA that a CertID names, by its octets: a handful of comparisons, no hash. */
export function createAuthorityFinder<Authority>(
  authorities: readonly (readonly [OcspIssuer, Authority])[],
): (certId: OcspCertId) => Authority | undefined {
  const names = authorities.flatMap(([issuer, authority]) =>
    certIdIssuersOf(issuer).map(octets => ({ octets, last: octets[octets.length - 1]!, authority })),
  )
  return ({ issuer }) => {
    const last = issuer[issuer.length - 1]
    for (const name of names) {
      if (name.last === last && name.octets.length === issuer.length && Buffer.compare(name.octets, issuer) === 0) {
        return name.authority
      }
    }
    return undefined
  }
}
