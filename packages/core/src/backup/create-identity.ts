import { generateX25519Identity, identityToRecipient } from 'age-encryption'

/** A pair of age keys of {@link createBackupIdentity}. */
export interface BackupIdentity {
  /** `AGE-SECRET-KEY-1…`: opens backups. Keep it away from the machine that makes them: on paper, in a safe. */
  readonly identity: string
  /** `age1…`: what backups are made for. No secret. */
  readonly recipient: string
}

/** A new X25519 pair as `age-keygen` makes it. Recipients made elsewhere do as well, post-quantum ones (`age1pq1…`, age 1.3) among them. */
export async function createBackupIdentity(): Promise<BackupIdentity> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}
