import { createHash } from 'node:crypto'
import { checkNames, type IoOptions, type KnownNames, PkiError } from '@fleetcert/x509'
import type { Store } from '../store/store.ts'
import type { StoreState, TransferStore } from '../store/store-records.ts'
import type { OpenWith } from './age/file-key.ts'
import { type FleetKeyrings, keyringsOf } from './keyrings.ts'
import { readBackup } from './read-backup.ts'
import { importInBatches } from './restore/import-records.ts'
import { type LaterRevocations, readLaterRevocations, revocationKey } from './restore/later-revocations.ts'
import { checkKeysFree, type RestoredKey, restoreKeys } from './restore/restore-keys.ts'
import { type RestorePlan, restoredRecords } from './restore/restored-records.ts'
import { openWith } from './secrets.ts'
import {
  type BackupSummary,
  checkSource,
  summaryOf,
  type VerifiedBackup,
  type VerifyBackupOptions,
  verifyOptionNames,
  verifyWhole,
} from './verify-backup.ts'

/** Options of {@link restoreFleet}. */
export interface RestoreOptions extends VerifyBackupOptions {
  /** Empty, or with a restore of this very backup in it that did not finish. Not closed. */
  readonly store: Store
  /** As in `openFleet`. Keys that the backup holds are put in; one that is there already must be the same. */
  readonly keyring: FleetKeyrings
  /**
   * The CRLs that were published last, DER or PEM, as `fleet.crl()` or a distribution point gave them: what was revoked after the backup stays revoked. Complete ones, of this fleet's CAs.
   * Without them a device that was revoked after the backup is active again.
   */
  readonly revocations?: readonly (Uint8Array | string)[]
  /**
   * Whether enrolment tokens that were good when the backup was made are good again. Default false: they may have been spent since, or their device revoked.
   */
  readonly keepTokens?: boolean
  /** Told after each piece of the file how many records have been restored so far. */
  readonly onProgress?: (progress: { readonly records: number }) => void
  /** What the restore is dated by, and what tells how long ago the backup was. Default: the system's. */
  readonly clock?: () => Date
}

/** What {@link restoreFleet} has done. */
export interface RestoreResult extends Omit<BackupSummary, 'keys'> {
  /** Each key of the fleet, and whether it is there now. */
  readonly keys: readonly RestoredKey[]
  /** Of `revocations`: how many were not in the backup; and of these, how many are of certificates that the backup does not know at all: they are on the CRLs again. */
  readonly revocations: { readonly merged: number; readonly unknown: number }
  /**
   * CAs that `revocations` names and the backup has in use, by their `issuerKeyId`. What a CA has issued is good until `fleet.revokeIssuer` has been called for it: before anything else, for that makes the one which takes its place.
   */
  readonly revokedIssuers: readonly string[]
}

const optionNames: KnownNames<RestoreOptions> = {
  ...verifyOptionNames,
  store: true,
  keyring: true,
  revocations: true,
  keepTokens: true,
  onProgress: true,
  clock: true,
}

/**
 * Puts a backup into an empty store and its keys into a keyring; then `openFleet` opens the fleet as it was. The file is read twice: nothing is written before all of it has proved whole, unchanged and in agreement with
 * itself, as {@link verifyBackup} does. Until the last record is in, `openFleet` refuses the store (`ERR_PKI_STORE_INCOMPLETE`); a restore that died is done again, with the same backup and options.
 *
 * The fleet goes on behind what it may have done after the backup: CRL numbers, places in the ledger and fencing numbers skip a million, and four for each second since. CRLs of CAs whose key is at hand are made anew.
 * What came after the backup is not known: certificates issued since are `unknown` to `identify` and denied, and revocations are lost unless `revocations` says them.
 *
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_SECRET`, `ERR_PKI_BACKUP_VERSION`, `ERR_PKI_STORE_IN_USE`, `ERR_PKI_KEY_EXISTS`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_CRL`, and what store and keyring reject
 */
export async function restoreFleet(options: RestoreOptions): Promise<RestoreResult> {
  checkOptions(options)
  const { clock = (): Date => new Date(), revocations = [], keepTokens = false, signal } = options
  const { store } = options
  const keyrings = keyringsOf(options.keyring)
  const secret = openWith(options.identities, options.passphrase)
  const io: IoOptions = signal === undefined ? {} : { signal }

  await store.open(io)
  const state = await store.state(io)
  if (state.state !== 'empty' && state.state !== 'receiving') throw new PkiError('ERR_PKI_STORE_IN_USE', {})
  const opened = await secret()
  const verified = await verifyWhole(options, opened)
  const later = readLaterRevocations(revocations, verified.authorities)
  const note = noteOf(state, verified, choicesOf(later, keepTokens), clock())
  await checkKeysFree(verified.keys, keyrings)

  const keys = await restoreKeys(verified.keys, keyrings)
  const plan: RestorePlan = {
    verified,
    startedAt: new Date(note.startedAt),
    later,
    keepTokens,
    ownKeys: keysAtHand(verified, keys),
  }
  const merged = await importAll(store, plan, note, options, opened)
  if (!(await store.changeState('receiving', 'open', io))) {
    throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the store is not the one that was restored to' })
  }
  return {
    ...summaryOf(verified),
    keys,
    revocations: { merged: merged.revocations, unknown: merged.unknown },
    revokedIssuers: revokedIssuers(verified, later),
  }
}

/** A restore cannot end them itself: whoever takes the place of an issuing CA is signed by the root. */
function revokedIssuers({ authorities }: VerifiedBackup, { entries }: LaterRevocations): readonly string[] {
  const inUse = authorities.filter(({ state }) => state !== 'revoked' && state !== 'retired')
  return inUse
    .filter(({ issuerKeyId, certificate: { serialNumber } }) =>
      entries.has(revocationKey({ issuerKeyId, serialNumber })),
    )
    .map(({ keyId }) => keyId)
}

/** What is kept in the store until the restore is over. */
interface RestoreNote {
  readonly backup: string
  /** What was chosen: records depend on it, so a restore is taken up with the same. */
  readonly choices: string
  readonly startedAt: string
}

/** The second reading: of the same octets, or nothing was restored. */
async function importAll(
  store: TransferStore,
  plan: RestorePlan,
  note: RestoreNote,
  { from, onProgress, signal }: RestoreOptions,
  opened: OpenWith,
): Promise<ReturnType<typeof restoredRecords>['merged']> {
  const io: IoOptions = signal === undefined ? {} : { signal }
  const { header, trailer } = plan.verified
  const mark = { fleetId: header.fleetId, note: JSON.stringify(note) }
  const restored = restoredRecords(plan)
  const batches = importInBatches(store, mark, io)
  let records = 0
  let digest: string | undefined
  for await (const part of readBackup(from, opened, signal)) {
    if (part.type === 'trailer') digest = part.trailer.digest
    if (part.type !== 'records') continue
    for (const record of part.records) {
      const mapped = restored.map(record)
      if (mapped !== undefined) await batches.add(mapped)
    }
    records += part.records.length
    onProgress?.({ records })
  }
  if (digest !== trailer.digest) {
    throw new PkiError('ERR_PKI_BACKUP', { reason: 'it was another one at the second reading' })
  }
  for (const record of restored.rest()) await batches.add(record)
  await batches.flush()
  return restored.merged
}

/** The note of a restore of this backup that did not finish, or of one that begins. @throws PkiError `ERR_PKI_STORE_IN_USE` */
function noteOf({ state, note }: StoreState, { trailer }: VerifiedBackup, choices: string, now: Date): RestoreNote {
  const begun: RestoreNote = { backup: trailer.digest, choices, startedAt: now.toISOString() }
  if (state === 'empty') return begun
  let found: Partial<RestoreNote>
  try {
    found = JSON.parse(note ?? '{}')
  } catch {
    found = {}
  }
  if (found.backup !== begun.backup || found.choices !== choices || typeof found.startedAt !== 'string') {
    throw new PkiError('ERR_PKI_STORE_IN_USE', {})
  }
  return { ...begun, startedAt: found.startedAt }
}

function choicesOf({ entries, numbers }: LaterRevocations, keepTokens: boolean): string {
  const hash = createHash('sha256').update(String(keepTokens))
  for (const [key, { revocation }] of entries)
    hash.update(`${key} ${revocation.reason} ${revocation.revocationDate.getTime()}\n`)
  for (const [key, number] of numbers) hash.update(`${key} ${number}\n`)
  return hash.digest('hex')
}

/** The CAs whose key can be used, by key id. */
function keysAtHand({ authorities }: VerifiedBackup, keys: readonly RestoredKey[]): ReadonlySet<string> {
  const usable = authorities.filter(({ key }) =>
    keys.some(({ keyring, name, status }) => keyring === key?.keyring && name === key.name && status !== 'missing'),
  )
  return new Set(usable.map(({ keyId }) => keyId))
}

function checkOptions(options: RestoreOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('options: expected { from, store, keyring, … }')
  checkNames('restoreFleet', options, optionNames)
  checkSource(options.from)
  if (typeof options.store?.open !== 'function') throw new TypeError('store: expected a Store')
  const { revocations, keepTokens } = options
  if (revocations !== undefined && !Array.isArray(revocations)) {
    throw new TypeError('revocations: expected an array of CRLs')
  }
  if (keepTokens !== undefined && typeof keepTokens !== 'boolean') {
    throw new TypeError('keepTokens: expected true or false')
  }
}
