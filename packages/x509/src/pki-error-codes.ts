/** Where a chain fails: shared by the codes `ERR_PKI_PATH_…`. */
export interface PathErrorDetails {
  /** Of the certificate at fault: 0 is the one that was to be verified, its issuer is 1. */
  depth: number
  /** Of that certificate, as RFC 4514 text. */
  subject: string
  /** The rule that it breaks, e.g. `RFC 5280 section 6.1.3 (a) (2)`. */
  rule: string
  /** More in words. */
  reason: string
}

/** What each code's `details` may hold. Codes without an entry carry none. */
export interface PkiErrorDetailsByCode {
  ERR_PKI_DER: { offset?: number; reason?: string }
  ERR_PKI_PEM: { reason: string }
  ERR_PKI_TOO_LARGE: { limitBytes: number }
  ERR_PKI_CERTIFICATE: { reason: string }
  ERR_PKI_CSR: { reason: string }
  ERR_PKI_CRL: { reason: string }
  ERR_PKI_CRL_CHECK: { issuerKeyId: string; shard: number; reason: string; serialNumber?: string }
  ERR_PKI_CRL_SHARDS: { reason: string }
  ERR_PKI_CRL_UNKNOWN: { issuerKeyId: string; shard: number; delta: boolean }
  ERR_PKI_OCSP_REQUEST: { reason: string }
  ERR_PKI_OCSP_RESPONSE: { reason: string }
  ERR_PKI_OCSP_REFUSED: { status: string }
  ERR_PKI_OCSP_SIGNATURE: { reason: string }
  ERR_PKI_OCSP_STALE: { reason: string }
  ERR_PKI_OCSP_MISMATCH: { reason: string }
  ERR_PKI_KEY_POLICY: { reason: string }
  ERR_PKI_NAME: { reason: string }
  ERR_PKI_ALGORITHM: { algorithm: string }
  ERR_PKI_FINGERPRINT: { reason: string }
  ERR_PKI_PATH_NOT_FOUND: PathErrorDetails
  ERR_PKI_PATH_SELF_SIGNED: PathErrorDetails
  ERR_PKI_PATH_SIGNATURE: PathErrorDetails
  ERR_PKI_PATH_ALGORITHM: PathErrorDetails
  ERR_PKI_PATH_NOT_YET_VALID: PathErrorDetails
  ERR_PKI_PATH_EXPIRED: PathErrorDetails
  ERR_PKI_PATH_NOT_A_CA: PathErrorDetails
  ERR_PKI_PATH_LENGTH: PathErrorDetails
  ERR_PKI_PATH_KEY_USAGE: PathErrorDetails
  ERR_PKI_PATH_PURPOSE: PathErrorDetails
  ERR_PKI_PATH_NAME_CONSTRAINTS: PathErrorDetails
  ERR_PKI_PATH_EXTENSION: PathErrorDetails
  ERR_PKI_PATH_POLICY: PathErrorDetails
  ERR_PKI_PATH_REVOKED: PathErrorDetails & { revocationReason: string; revocationDate: Date }
  ERR_PKI_PATH_REVOCATION_UNKNOWN: PathErrorDetails
  ERR_PKI_PATH_LIMIT: { limit: string; value: number; reason: string }
  ERR_PKI_FETCH: { url: string; reason: string }
  ERR_PKI_DEVICE_ID: { field: 'deviceId' | 'owner' | 'attribute' }
  ERR_PKI_VALIDITY: { reason: string }
  ERR_PKI_PROFILE: { reason: string }
  ERR_PKI_LINT: { findings: readonly string[] }
  ERR_PKI_DEVICE_EXISTS: { deviceId: string }
  ERR_PKI_DEVICE_UNKNOWN: { deviceId: string }
  ERR_PKI_DEVICE_NOT_ACTIVE: { deviceId: string; status: string }
  ERR_PKI_CERTIFICATE_UNKNOWN: { fingerprint?: string; serialNumber?: string; publicKey?: string }
  ERR_PKI_CA_IN_USE: { serialNumber: string }
  ERR_PKI_ISSUER_IN_USE: { devices: number; services: number; servers: number }
  ERR_PKI_ISSUER_CERTIFICATE: { reason: string }
  ERR_PKI_ROLLOVER: { reason: string }
  ERR_PKI_RENEWAL_BUSY: { deviceId: string; retryAfterSeconds?: number }
  ERR_PKI_RENEWAL_LIMIT: { deviceId: string; retryAfterSeconds: number }
  ERR_PKI_RENEWAL_SCHEDULES: { limit: number }
  ERR_PKI_ENROLLMENT_BUSY: { deviceId: string; retryAfterSeconds: number }
  ERR_PKI_TRUST_ANCHOR: { reason: string }
  ERR_PKI_KEY_EXISTS: { name: string }
  ERR_PKI_KEY_MISSING: { name: string }
  ERR_PKI_KEY_NAME: { reason: string }
  ERR_PKI_KEY_UNREADABLE: { name?: string; reason: string }
  ERR_PKI_KEY_UNWRITABLE: { name: string; reason: string }
  ERR_PKI_KEY_PERMISSIONS: { path: string; mode: string; reason?: string }
  ERR_PKI_HSM_UNAVAILABLE: { reason: string }
  ERR_PKI_HSM_PIN: { reason: string }
  ERR_PKI_SIGNER: { reason: string }
  ERR_PKI_SIGNER_BUSY: { retryAfterSeconds: number }
  ERR_PKI_STORE_SCHEMA: { found: number; supported: number }
  ERR_PKI_STORE_UNAVAILABLE: { reason: string }
  ERR_PKI_STORE_CORRUPT: { reason: string }
  ERR_PKI_STORE_RECORD: { kind: string; reason: string }
  ERR_PKI_COPY_MISMATCH: { kind: string; reason: string }
  ERR_PKI_BACKUP: { reason: string }
  ERR_PKI_BACKUP_VERSION: { found: number; supported: number }
  ERR_PKI_BACKUP_UNWRITABLE: { path: string; reason: string }
  ERR_PKI_SHARE: { share?: number; reason: string }
  ERR_PKI_TRANSCRIPT: { entry?: number; reason: string }
  ERR_PKI_ISSUER_UNKNOWN: { issuerKeyId: string }
  ERR_PKI_REQUEST: { reason: string }
  ERR_PKI_BUSY: { retryAfterSeconds: number }
  ERR_PKI_UNREACHABLE: { host?: string; port?: number; reason: string }
  ERR_PKI_BROKER_CONFIG: { line?: number; reason: string }
  ERR_PKI_BROKER_REFUSED: { reasonCode?: number; reason: string }
  ERR_PKI_QUEUE_FULL: { messages: number; bytes: number }
  ERR_PKI_ENFORCER: { name: string; status?: number; reason: string }
  ERR_PKI_TLS: { alert?: string; reason: string }
  ERR_PKI_IDENTITY: { reason: string }
  ERR_PKI_IDENTITY_UNWRITABLE: { reason: string }
  ERR_PKI_DEVICE_CLOCK: { reason: string }
  ERR_PKI_HUB_ANSWER: { reason: string }
  ERR_PKI_HUB_REFUSED: { status?: number; code?: string; retryAfterSeconds?: number; reason: string }
  ERR_PKI_SERVER_UNTRUSTED: { reason?: string }
  ERR_PKI_SERVER_EXPIRED: { reason?: string }
  ERR_PKI_SERVER_NOT_YET_VALID: { reason?: string }
  ERR_PKI_SERVER_NAME: { reason?: string }
  ERR_PKI_CLIENT_UNTRUSTED: { alert?: string; reason?: string }
  ERR_PKI_CLIENT_EXPIRED: { alert?: string; reason?: string }
  ERR_PKI_CLIENT_REVOKED: { alert?: string; reason?: string }
  ERR_PKI_CLIENT_SUPERSEDED: { reason?: string }
  ERR_PKI_CLIENT_REQUIRED: { alert?: string; reason?: string }
}

/**
 * The one table of error codes, for every package of the scope: `code → sentence`.
 * A code is stable: it may be added, never renamed and never used again for something else. `docs/errors.md` is made from this table.
 */
export const pkiErrorSentences = {
  // Reading foreign bytes
  ERR_PKI_DER: 'The bytes are not valid DER.',
  ERR_PKI_PEM: 'The text is not valid PEM.',
  ERR_PKI_TOO_LARGE: 'The input is larger than this reader accepts.',
  ERR_PKI_CERTIFICATE: 'The certificate is malformed or outside what RFC 5280 allows.',
  ERR_PKI_CSR: 'The certification request is malformed or asks for something that is not allowed.',
  ERR_PKI_CSR_SIGNATURE: 'The certification request is not signed by the key it names.',
  ERR_PKI_CRL: 'The certificate revocation list is malformed or outside what RFC 5280 allows.',
  ERR_PKI_OCSP_REQUEST:
    'The OCSP request is malformed, asks for too much, or has a critical extension that is not known.',
  ERR_PKI_OCSP_RESPONSE: 'The OCSP response is malformed or outside what RFC 6960 allows.',
  ERR_PKI_OCSP_REFUSED: 'The OCSP responder gave no answer.',
  ERR_PKI_OCSP_SIGNATURE: 'The OCSP response is not signed by the issuer or by a responder that the issuer authorized.',
  ERR_PKI_OCSP_STALE: 'The OCSP response is not current.',
  ERR_PKI_OCSP_MISMATCH: 'The OCSP response does not answer what was asked.',
  ERR_PKI_ALGORITHM: 'The algorithm is not supported.',
  ERR_PKI_NAME: 'The name is empty, too long, or holds characters that its type does not allow.',
  ERR_PKI_FINGERPRINT: 'The fingerprint is not 32 octets in hexadecimal.',
  // Policy
  ERR_PKI_KEY_POLICY: 'The public key is of a kind, size or quality that is not certified here.',
  ERR_PKI_KEY_BLOCKED:
    'The public key is blocked: a certificate with it was revoked for keyCompromise, or the operator lists it.',
  ERR_PKI_DEVICE_ID:
    'The identifier must be 1 to 64 of A–Z a–z 0–9 . _ - : @, begin with a letter or digit, and not be a reserved word.',
  ERR_PKI_VALIDITY: 'The validity period is not possible.',
  ERR_PKI_PROFILE: 'No certificate profile has that name, or it combines things that exclude each other.',
  ERR_PKI_LINT: 'The certificate or CRL about to be signed breaks a rule, so it was not signed.',
  // Devices
  ERR_PKI_DEVICE_EXISTS: 'The device has a live certificate already: renew it, or revoke it first.',
  ERR_PKI_DEVICE_UNKNOWN: 'No such device.',
  ERR_PKI_DEVICE_NOT_ACTIVE: 'The device has no active certificate.',
  ERR_PKI_DEVICE_CLOSED: 'The device was revoked while its certificate was being made, or may not be renewed.',
  ERR_PKI_CERTIFICATE_UNKNOWN: 'No such certificate.',
  ERR_PKI_PIN_TAKEN: 'The certificate is registered for another device.',
  ERR_PKI_TOKEN: 'The enrolment token is unknown or for another device.',
  ERR_PKI_TOKEN_EXPIRED: 'The enrolment token has expired: ask the operator for another.',
  ERR_PKI_TOKEN_SPENT: 'The device was enrolled with the token and another key, or its certificate has been replaced.',
  ERR_PKI_ENROLLMENT_BUSY: 'An enrolment with the token is under way: try again in some seconds.',
  ERR_PKI_COMMIT_LOST:
    'The reservation was taken over before its certificate was recorded, so the certificate was not returned.',
  ERR_PKI_RENEWAL_BUSY: 'Another renewal of this certificate is under way or has replaced it.',
  ERR_PKI_RENEWAL_LIMIT: 'The device has asked for too many certificates in a short time: it may renew later.',
  ERR_PKI_RENEWAL_SCHEDULES: 'As many renewals are scheduled as may be: withdraw one first.',
  ERR_PKI_TRUST_ANCHOR:
    'A certificate that is to be trusted beside the fleet’s own is no self-signed CA, or has expired.',
  ERR_PKI_CA_IN_USE:
    'The certificate or key is that of a CA of this fleet: revokeIssuer ends it, and retireIssuer once another has taken its place.',
  ERR_PKI_ISSUER_IN_USE: 'There are certificates in use that the CA has issued: whoever has one would be cut off.',
  ERR_PKI_ISSUER_CERTIFICATE: 'The certificate cannot be taken for a CA of this fleet, or for what it has issued.',
  ERR_PKI_ROLLOVER: 'The rollover cannot take that step now.',
  // Verifying other people's chains
  ERR_PKI_PATH_NOT_FOUND: 'No chain leads from the certificate to a trust anchor.',
  ERR_PKI_PATH_SELF_SIGNED:
    'The certificate is signed by its own key, so no CA vouches for it: pin it by its fingerprint instead.',
  ERR_PKI_PATH_SIGNATURE: 'A signature of the chain does not verify.',
  ERR_PKI_PATH_ALGORITHM: 'A key or signature algorithm of the chain is weak or not supported.',
  ERR_PKI_PATH_NOT_YET_VALID: 'A certificate of the chain is not valid yet.',
  ERR_PKI_PATH_EXPIRED: 'A certificate of the chain has expired.',
  ERR_PKI_PATH_NOT_A_CA: 'A certificate of the chain was issued by one that is no CA.',
  ERR_PKI_PATH_LENGTH: 'The chain is longer than one of its CAs allows.',
  ERR_PKI_PATH_KEY_USAGE: 'The key usage of a certificate of the chain does not allow what its key is used for.',
  ERR_PKI_PATH_PURPOSE: 'A certificate of the chain is not for the purpose asked for.',
  ERR_PKI_PATH_NAME_CONSTRAINTS: 'A certificate of the chain has a name that a CA above it may not give.',
  ERR_PKI_PATH_EXTENSION: 'A certificate of the chain has a critical extension that is not understood.',
  ERR_PKI_PATH_POLICY: 'The chain does not hold the certificate policies that it or the caller asks for.',
  ERR_PKI_PATH_REVOKED: 'A certificate of the chain is revoked.',
  ERR_PKI_PATH_REVOCATION_UNKNOWN: 'Whether a certificate of the chain is revoked cannot be told from what was given.',
  ERR_PKI_PATH_LIMIT: 'Verifying the chain takes more work than allowed.',
  ERR_PKI_FETCH: 'The address may not be fetched from, or its answer was refused.',
  // Keys and signers
  ERR_PKI_KEY_EXISTS: 'A key of this name exists already.',
  ERR_PKI_KEY_MISSING: 'The key is missing from its keyring.',
  ERR_PKI_KEY_NAME: 'A key name is 1 to 64 of a–z 0–9 and -, beginning with a letter.',
  ERR_PKI_KEY_UNREADABLE: 'The key cannot be read.',
  ERR_PKI_KEY_UNWRITABLE: 'The key cannot be written or deleted.',
  ERR_PKI_KEY_PASSPHRASE: 'The passphrase is wrong, or is missing for an encrypted key.',
  ERR_PKI_KEY_PERMISSIONS: 'The key file or its folder is open to other users.',
  ERR_PKI_HSM_UNAVAILABLE: 'The HSM, its module or its token cannot be used: missing, taken out, or failing.',
  ERR_PKI_HSM_PIN: 'The PIN was refused by the token, is missing, or was not tried so as not to lock the token.',
  ERR_PKI_SIGNER: 'The signer failed or returned a signature that does not verify.',
  ERR_PKI_SIGNER_BUSY: 'The signer is asked for more signatures than it makes, or is throttled: ask again later.',
  ERR_PKI_PREPARED_SPENT: 'A prepared certificate is signed at most once.',
  // Store and fleet
  ERR_PKI_STORE_UNAVAILABLE: 'The store cannot be reached, is locked, or is full.',
  ERR_PKI_STORE_CORRUPT: 'The store holds data that it did not write.',
  ERR_PKI_STORE_SCHEMA: 'The store was written by a newer version.',
  ERR_PKI_STORE_LOST:
    'The keyring holds keys of a fleet, but the store is empty: restore the store; a second root is never made.',
  ERR_PKI_STORE_MOVED: 'The store is sealed: its fleet has moved to another store.',
  ERR_PKI_STORE_INCOMPLETE: 'The store is being filled by a copy or a restore that has not ended: call it again.',
  ERR_PKI_STORE_IN_USE: 'The store holds something already: a fleet is never copied or restored over another.',
  ERR_PKI_STORE_RECORD: 'A record that is to be imported is malformed, or contradicts what the store holds.',
  ERR_PKI_STORE_EMPTY: 'The store that is to be copied holds no fleet; its path or prefix may be wrong.',
  ERR_PKI_COPY_BUSY: 'Another copy writes to the same target: one at a time.',
  ERR_PKI_COPY_MISMATCH: 'What was read back from the target of a copy is not what was written there.',
  ERR_PKI_BOOTSTRAP_BUSY: 'Another process is making this fleet and did not finish in time.',
  ERR_PKI_CLOCK: 'The clock is earlier than the ledger, or tells no time at all.',
  ERR_PKI_ENFORCER:
    'A broker or platform was not told what became of a device, or did not confirm that its sessions are gone.',
  ERR_PKI_CLOSED: 'This was closed.',
  ERR_PKI_CRL_UNKNOWN: 'The fleet publishes no such CRL.',
  ERR_PKI_CRL_CHECK: 'The new CRL would take back what the last one says, so it was not published.',
  ERR_PKI_CRL_SHARDS: 'The certificates of this fleet do not allow CRLs in shards.',
  ERR_PKI_ISSUER_UNKNOWN: 'No such issuer in this fleet.',
  ERR_PKI_AWAITING_ISSUER: 'The issuing CA has no certificate yet: import the one that the external root signed.',
  ERR_PKI_CURSOR:
    'The cursor is not one that this store gave out, it belongs to another query, or what it points at was pruned.',
  // Backup and ceremony
  ERR_PKI_BACKUP: 'The backup is damaged, cut short, or none at all.',
  ERR_PKI_BACKUP_SECRET: 'The backup was made for another passphrase or another identity.',
  ERR_PKI_BACKUP_VERSION: 'The backup was written by a newer version.',
  ERR_PKI_BACKUP_UNWRITABLE: 'The backup or the transcript cannot be written.',
  ERR_PKI_SHARE: 'The shares do not make the passphrase.',
  ERR_PKI_TRANSCRIPT: 'The transcript is not what was recorded and signed.',
  // HTTP face
  ERR_PKI_REQUEST: 'The request is malformed.',
  ERR_PKI_FORBIDDEN: 'The caller may not do this.',
  ERR_PKI_NOT_FOUND: 'There is nothing at this address.',
  ERR_PKI_METHOD: 'The address does not answer this method.',
  ERR_PKI_BUSY: 'More is asked for than is done at a time: ask again later.',
  ERR_PKI_INTERNAL: 'Something failed that should not fail; the reason is in the log.',
  // Device side
  ERR_PKI_IDENTITY: 'The device identity cannot be used.',
  ERR_PKI_IDENTITY_UNWRITABLE: 'The device identity cannot be written; what was there is still there.',
  ERR_PKI_DEVICE_CLOCK: 'The clock of this device cannot be right.',
  ERR_PKI_HUB_ANSWER: 'What the hub answered cannot be used, so nothing of it was kept.',
  ERR_PKI_HUB_REFUSED: 'The hub did not do what the device asked for.',
  ERR_PKI_UNREACHABLE: 'The server cannot be reached.',
  ERR_PKI_SERVER_UNTRUSTED: "The server's certificate was issued by a CA that this device does not trust.",
  ERR_PKI_SERVER_EXPIRED: "The server's certificate has expired, or this device's clock is ahead.",
  ERR_PKI_SERVER_NOT_YET_VALID: "The server's certificate is not valid yet, or this device's clock is behind.",
  ERR_PKI_SERVER_NAME: "The server's certificate is for another name.",
  ERR_PKI_CLIENT_UNTRUSTED: "The server does not trust the CA of this device's certificate.",
  ERR_PKI_CLIENT_EXPIRED: "The server says that this device's certificate has expired.",
  ERR_PKI_CLIENT_REVOKED: "The server says that this device's certificate is revoked.",
  ERR_PKI_CLIENT_SUPERSEDED: "The server says that this device's certificate was replaced by a newer one.",
  ERR_PKI_CLIENT_REQUIRED: 'The server wants a client certificate and got none.',
  ERR_PKI_BROKER_CONFIG: 'The configuration of the broker cannot be read.',
  ERR_PKI_BROKER_REFUSED: 'The broker refused the connection.',
  ERR_PKI_TLS: 'The TLS handshake failed.',
  ERR_PKI_QUEUE_FULL: 'As many messages wait for the broker as may.',
} as const

/** A stable error code, the key of {@link pkiErrorSentences}. */
export type PkiErrorCode = keyof typeof pkiErrorSentences

// A misspelt key of PkiErrorDetailsByCode does not compile.
type CodeWithDetails<Code extends PkiErrorCode = keyof PkiErrorDetailsByCode> = Code

/** The type of `details` for a code; an empty object where the code carries none. */
export type PkiErrorDetails<Code extends PkiErrorCode = PkiErrorCode> = Code extends CodeWithDetails
  ? PkiErrorDetailsByCode[Code]
  : Record<never, never>
