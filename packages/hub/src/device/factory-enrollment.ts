import type { Certificate, CertificateInput, RevocationMode, VerifyPathOptions } from '@fleetcert/core'

/** A certificate of a trusted manufacturer, shown in a TLS handshake. Its chain, validity and purpose are verified. */
export interface FactoryCandidate {
  readonly certificate: Certificate
  /** The certificate first, each followed by its issuer, one of the trust anchors last. */
  readonly path: readonly Certificate[]
  /** `AA:BB:…`, SHA-256. */
  readonly fingerprint: string
  /** The label of the address that was asked, one of `labels`. */
  readonly label?: string
}

/** What a device with a factory certificate is to be. */
export interface FactoryGrant {
  readonly deviceId: string
  /** The same alphabet as a device id: it goes into topics. */
  readonly owner?: string
  /** For topic templates; values follow the rule for device ids. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Default: that of the label. */
  readonly profile?: string
}

/** Enrolment by a certificate that another CA made, such as the birth certificate of IEEE 802.1AR. */
export interface FactoryEnrollment {
  /** Whose certificates count. Never the CA of the fleet itself: what it has issued is renewed. */
  readonly trustAnchors: CertificateInput | readonly CertificateInput[]
  /** The CAs between, for devices that do not send them. */
  readonly intermediates?: readonly CertificateInput[]
  /**
   * Decides which device it is; `undefined` refuses it. The names in the certificate are what the manufacturer was told: take the device id from where he puts it, and only if you trust him for that. What it throws refuses.
   */
  readonly enroll: (
    candidate: FactoryCandidate,
    options: { readonly signal: AbortSignal },
  ) => FactoryGrant | undefined | Promise<FactoryGrant | undefined>
  /** How revocation by the manufacturer is judged. Default `off`. */
  readonly revocation?: RevocationMode
  /** The manufacturer's CRLs, asked for at each enrolment. They are waited for for ten seconds. */
  readonly crls?: () => VerifyPathOptions['crls'] | Promise<VerifyPathOptions['crls']>
}
