/** OIDs of OCSP (RFC 6960 appendix B.1) and of the hashes that name an issuer in a CertID. */
export const ocspOids = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  acceptableResponses: '1.3.6.1.5.5.7.48.1.4',
  archiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  serviceLocator: '1.3.6.1.5.5.7.48.1.7',
  preferredSignatureAlgorithms: '1.3.6.1.5.5.7.48.1.8',
  extendedRevoke: '1.3.6.1.5.5.7.48.1.9',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const

/** Hash algorithms of CertIDs: SHA-256 for new clients, SHA-1 for the others (RFC 9919 section 3.1.1). */
export type OcspHash = 'sha1' | 'sha256'
