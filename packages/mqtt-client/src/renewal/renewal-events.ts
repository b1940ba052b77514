import type { PkiError } from '@fleetcert/x509'

/** A renewal begins, or goes on after a crash. */
export interface RenewingEvent {
  /** When the certificate in use ends. */
  readonly notAfter: Date
}

/** The new certificate is in use: the broker has accepted it, and the hub knows. */
export interface RenewedEvent {
  /** `AA:BB:…` */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** `false`: the hub could not be told before the old certificate had ended anyway. */
  readonly confirmed: boolean
}

/** A step of a renewal failed. The certificate in use stays as it is, and the step is tried again. */
export interface RenewalFailedEvent {
  readonly error: PkiError
  /** `request`: key, hub and answer. `connect`: the broker did not accept the new certificate. `confirm`: it is in use, and the hub could not be told. */
  readonly step: 'request' | 'connect' | 'confirm'
  readonly retrySeconds: number
}

/** A sixth, or a twelfth, of the certificate's life is left, or nothing: told once each. */
export interface ExpiringEvent {
  readonly notAfter: Date
  /** 0 when it has ended. */
  readonly remainingSeconds: number
}

/** Other CAs are believed than before. */
export interface TrustUpdatedEvent {
  /** Fingerprints, `AA:BB:…`. */
  readonly added: readonly string[]
  /** Fingerprints, `AA:BB:…`. */
  readonly removed: readonly string[]
}

/** What a renewal reports, by event. */
export interface RenewalEvents {
  renewing: RenewingEvent
  renewed: RenewedEvent
  renewalFailed: RenewalFailedEvent
  expiring: ExpiringEvent
  trustUpdated: TrustUpdatedEvent
}
