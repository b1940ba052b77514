/** Every method that does I/O takes this last. */
export interface IoOptions {
  /** Aborts the call; it then rejects with the signal's reason. What had become durable stays. */
  readonly signal?: AbortSignal
}

/** Signature algorithms that are written and accepted, by their RFC names (RFC 5758, RFC 8410, RFC 4055, RFC 9881). ML-DSA is there where Node.js has it: 24.7 and later. */
export type SignatureAlgorithm =
  | 'ecdsa-with-SHA256'
  | 'ecdsa-with-SHA384'
  | 'ecdsa-with-SHA512'
  | 'id-Ed25519'
  | 'sha256WithRSAEncryption'
  | 'sha384WithRSAEncryption'
  | 'sha512WithRSAEncryption'
  | 'id-ml-dsa-44'
  | 'id-ml-dsa-65'

/** Something that signs with one key: what a CSR, a certificate or a CRL needs. */
export interface MessageSigner {
  readonly algorithm: SignatureAlgorithm
  /** SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7). */
  readonly publicKey: Uint8Array
  /** Resolves the octets of an X.509 signatureValue: for ECDSA the DER of ECDSA-Sig-Value (RFC 5480), for the others the raw signature. */
  sign(message: Uint8Array | Iterable<Uint8Array>, options?: IoOptions): Promise<Uint8Array>
}

/** An attribute of a distinguished name. `type` is a short name of RFC 4519 (`CN`, `O`, `OU`, `C`, `ST`, `L`, `serialNumber`, `DC`, `UID`, `emailAddress` …) or a dotted OID. */
export interface NameAttribute {
  readonly type: string
  readonly value: string
  /** The string type, where a parsed name uses another than this package writes for the attribute. `other`: no string; `value` is `#` and the hex of its DER (RFC 4514). */
  readonly encoding?: NameEncoding
}

/** The string types that DirectoryString and its relatives may have (RFC 5280 appendix A.1). */
export type NameEncoding =
  | 'utf8String'
  | 'printableString'
  | 'ia5String'
  | 'teletexString'
  | 'bmpString'
  | 'universalString'
  | 'numericString'
  | 'visibleString'
  | 'other'

/** A distinguished name as RDNSequence (RFC 5280 section 4.1.2.4): outermost RDN first, each a set of one or more attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

/** A name of SubjectAltName (RFC 5280 section 4.2.1.6). IP addresses in text form. */
export type GeneralName =
  | { readonly type: 'dns'; readonly value: string }
  | { readonly type: 'ip'; readonly value: string }
  | { readonly type: 'uri'; readonly value: string }
  | { readonly type: 'email'; readonly value: string }
  | { readonly type: 'directoryName'; readonly value: DistinguishedName }
  | { readonly type: 'other'; readonly tag: number; readonly der: Uint8Array }

/** What SubjectPublicKeyInfo says of a key. */
export type PublicKeyInfo =
  | { readonly type: 'ec'; readonly curve: 'P-256' | 'P-384' | 'P-521'; readonly point: Uint8Array }
  | {
      readonly type: 'rsa'
      readonly modulusBits: number
      readonly modulus: Uint8Array
      readonly publicExponent: bigint
    }
  | { readonly type: 'ed25519'; readonly key: Uint8Array }
  | { readonly type: 'ml-dsa-44' | 'ml-dsa-65'; readonly key: Uint8Array }
  | { readonly type: 'unsupported'; readonly algorithm: string }

/** The bits of KeyUsage by their RFC 5280 section 4.2.1.3 names. */
export type KeyUsageBit =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly'

/** Revocation reasons exactly as in RFC 5280 section 5.3.1. */
export type CrlReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'removeFromCRL'
  | 'privilegeWithdrawn'
  | 'aACompromise'

/** An extension as it stands in a certificate, CSR or CRL. */
export interface Extension {
  /** Dotted OID. */
  readonly oid: string
  readonly critical: boolean
  /** The octets inside extnValue, DER. */
  readonly value: Uint8Array
}
