export { type BackupOptions, backupFleet } from './backup-fleet.ts'
export { openTranscript, type Transcript, type TranscriptOptions } from './ceremony/open-transcript.ts'
export type { TranscriptDetails, TranscriptEntry } from './ceremony/transcript-line.ts'
export {
  type VerifiedTranscript,
  type VerifyTranscriptOptions,
  verifyTranscript,
} from './ceremony/verify-transcript.ts'
export { type BackupIdentity, createBackupIdentity } from './create-identity.ts'
export type { KeyringRole } from './format/backup-json.ts'
export type { FleetKeyrings } from './keyrings.ts'
export type { BackupSource } from './read-backup.ts'
export type { RestoredKey } from './restore/restore-keys.ts'
export { type RestoreOptions, type RestoreResult, restoreFleet } from './restore-fleet.ts'
export type { Passphrase } from './secrets.ts'
export { createPassphrase } from './shares/create-passphrase.ts'
export { combineShares, type SplitOptions, splitPassphrase } from './shares/split-passphrase.ts'
export { type BackupSummary, type VerifyBackupOptions, verifyBackup } from './verify-backup.ts'
export { type WrittenBackup, writeBackup } from './write-backup.ts'
