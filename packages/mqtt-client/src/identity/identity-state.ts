/** A credential that a server has accepted, or that a person has put there. */
export interface StoredCredential {
  /** PEM: the device's certificate, then its issuing CAs. */
  readonly certificate: string
  /** PKCS #8 PEM. */
  readonly privateKey: string
  /** PEM: the CAs that are believed with it, as the hub announced them. May be empty. */
  readonly trustAnchors: string
}

/** A key that was made for the next certificate, and that certificate once it is there. */
export interface PendingCredential {
  /** PKCS #8 PEM. */
  readonly privateKey: string
  /** PEM. The same one is sent again after a crash, so that the hub can give the same answer. */
  readonly csr: string
  /** PEM: the certificate, then its issuing CAs. Absent until the hub has answered. */
  readonly certificate?: string
  /** PEM, with `certificate`: the CAs that are believed with it. */
  readonly trustAnchors?: string
  /** How often the broker did not accept it. */
  readonly failures?: number
}

/**
 * All that a renewable identity keeps, in two slots. `current` stays as it is until `pending` has completed a connection and the hub has confirmed it; both are absent before the first enrolment.
 */
export interface IdentityState {
  readonly current?: StoredCredential
  readonly pending?: PendingCredential
  /** Fingerprints of the credentials that came before, the last one first: files that hold one of them are old copies. */
  readonly previous?: readonly string[]
}

/** A state with the number that {@link IdentityStorage.save} asks for. */
export interface LoadedState {
  readonly revision: number
  readonly state: IdentityState
  /** PEM: CAs that a person has put beside the state. They are believed too, and only a person takes them away. */
  readonly localTrustAnchors?: string
}

/** Where a renewable identity keeps its state. */
export interface IdentityStorage {
  /** @throws PkiError `ERR_PKI_IDENTITY` when there is a state that cannot be read; an empty state when there is none */
  load(): Promise<LoadedState>
  /**
   * Makes `state` what {@link IdentityStorage.load} answers, durably and as a whole or not at all.
   * Race: `false`, and nothing changed, when the last state is no longer the one with `revision`.
   *
   * @throws PkiError `ERR_PKI_IDENTITY_UNWRITABLE`; what was there before is there still
   */
  save(state: IdentityState, revision: number): Promise<boolean>
  /** What may be done late and again: copies for other programs, old files. Never rejects. */
  tidy?(): Promise<void>
}
