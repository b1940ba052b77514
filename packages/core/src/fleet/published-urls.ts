/** Where CRLs, OCSP answers and CA certificates are published; baked into certificates at issuance. */
export interface PublishOptions {
  /** An http origin, with or without a path: `http://pki.example`. Not https: checking that server's certificate could need the very CRL (RFC 5280 section 8). */
  readonly baseUrl: string
  /** `pemFirst` puts the PEM twin before the DER, for EMQX before 6.0.3, 6.1.2 and 6.2.1, which refresh PEM only. Default `der`. */
  readonly crl?: 'der' | 'pemFirst'
  /**
   * Whether certificates name the OCSP responder at `<baseUrl>/ocsp`. Default true: the hub answers there. False where nothing but files is served: a client that insists on OCSP refuses a certificate
   * whose responder does not answer, and what is in a certificate cannot be taken back.
   */
  readonly ocsp?: boolean
}

/** The URLs of DESIGN section 4. */
export interface Publisher {
  /** In the order in which they are written into CRLDistributionPoints and the IDP. */
  crl(issuerKeyId: string, shard: number): readonly string[]
  /** Of the delta CRL beside it. */
  deltaCrl(issuerKeyId: string, shard: number): readonly string[]
  caIssuers(issuerKeyId: string): readonly string[]
  /** Of the responder for devices' and servers' certificates: one address for all issuers, for a request names its issuer itself. */
  readonly ocsp: readonly string[]
}

/** `<issuer>` of a published path: 16 hex digits of the issuerKeyId. */
export function issuerPath(issuerKeyId: string): string {
  return issuerKeyId.slice(0, 16)
}

/** @throws TypeError for a base URL that is not plain http. */
export function createPublisher(publish: PublishOptions | undefined): Publisher | undefined {
  if (publish === undefined) return undefined
  let url: URL
  try {
    url = new URL(publish.baseUrl)
  } catch {
    throw new TypeError('publish.baseUrl: expected a URL')
  }
  if (url.protocol !== 'http:') throw new TypeError('publish.baseUrl: expected an http:// URL (RFC 5280 section 8)')
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new TypeError('publish.baseUrl: expected no query, fragment or credentials')
  }
  if (publish.crl !== undefined && publish.crl !== 'der' && publish.crl !== 'pemFirst') {
    throw new TypeError("publish.crl: expected 'der' or 'pemFirst'")
  }
  if (publish.ocsp !== undefined && typeof publish.ocsp !== 'boolean') {
    throw new TypeError('publish.ocsp: expected true or false')
  }
  const base = url.href.replace(/\/$/, '')
  return {
    crl(issuerKeyId: string, shard: number): readonly string[] {
      const path = `${base}/crl/${issuerPath(issuerKeyId)}-${shard}`
      return publish.crl === 'pemFirst' ? [`${path}.pem`, `${path}.crl`] : [`${path}.crl`]
    },
    deltaCrl: (issuerKeyId, shard) => [`${base}/crl/${issuerPath(issuerKeyId)}-${shard}-delta.crl`],
    caIssuers: issuerKeyId => [`${base}/ca/${issuerPath(issuerKeyId)}.cer`],
    ocsp: publish.ocsp === false ? [] : [`${base}/ocsp`],
  }
}
