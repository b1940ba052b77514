import { checkNames, type IoOptions, type KnownNames, PkiError } from '@fleetcert/x509'
import { fleetDocumentName } from '../fleet/fleet-document.ts'
import type { CrlScopeEntry, DocumentEntry, HeadRecord, StoreRecord, StoreRecordKind } from '../store/store-records.ts'
import type { OpenWith } from './age/file-key.ts'
import { type BackupAuthority, checkKeys, checkRoots, readAuthorities, verifyTrailer } from './authorities.ts'
import { checkRecord } from './check-record.ts'
import type { BackupHeader, BackupKey, BackupTrailer, KeyringRole } from './format/backup-json.ts'
import { type BackupSource, readBackup } from './read-backup.ts'
import { openWith, type Passphrase } from './secrets.ts'

/** Options of {@link verifyBackup}. */
export interface VerifyBackupOptions extends IoOptions {
  /** The file's path, or a function that gives its octets from the beginning each time it is called. */
  readonly from: BackupSource
  /** Age identities: `AGE-SECRET-KEY-1…`, `AGE-SECRET-KEY-PQ-1…`. Either these or `passphrase`. */
  readonly identities?: readonly string[]
  /** Either this or `identities`. */
  readonly passphrase?: Passphrase
  /** PEM: the roots that the fleet is known to have. A backup of another root is refused. */
  readonly trustAnchors?: string
}

/** What a backup holds. */
export interface BackupSummary {
  /** Of whose fleet; absent where it has no name. */
  readonly organization?: string
  /** When it was begun. */
  readonly createdAt: Date
  /** SHA-256 of its content, hex: two copies of one backup have the same, however they are encrypted. */
  readonly digest: string
  /** How many there are of each kind; one that changed while the backup was made counts twice. */
  readonly records: Readonly<Partial<Record<StoreRecordKind, number>>>
  /** The fleet's keys, and whether the backup holds them: what an HSM does not give out, it does not. */
  readonly keys: readonly { readonly keyring: KeyringRole; readonly name: string; readonly held: boolean }[]
}

/** What a backup that was read to its end is known to hold, for restoring it. */
export interface VerifiedBackup {
  readonly header: BackupHeader
  readonly trailer: BackupTrailer
  readonly keys: readonly BackupKey[]
  readonly authorities: readonly BackupAuthority[]
  readonly head: HeadRecord
  readonly scopes: readonly CrlScopeEntry[]
}

export const verifyOptionNames: KnownNames<VerifyBackupOptions> = {
  from: true,
  identities: true,
  passphrase: true,
  trustAnchors: true,
  signal: true,
}

/**
 * Reads a backup to its end and proves that it is whole, unchanged, signed by an issuing CA of its fleet, and that its CAs, keys, certificates and ledger go together. Nothing is written: the rehearsal of a restore, to be done regularly.
 *
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_SECRET`, `ERR_PKI_BACKUP_VERSION`
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<BackupSummary> {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected { from, … }')
  checkNames('verifyBackup', options, verifyOptionNames)
  checkSource(options.from)
  const secret = openWith(options.identities, options.passphrase)
  return summaryOf(await verifyWhole(options, await secret()))
}

/** What is told of a verified backup. */
export function summaryOf({ header, trailer, keys }: VerifiedBackup): BackupSummary {
  const { organization, createdAt } = header
  return {
    ...(organization === undefined ? {} : { organization }),
    createdAt,
    digest: trailer.digest,
    records: trailer.records,
    keys: keys.map(({ keyring, name, pem }) => ({ keyring, name, held: pem !== undefined })),
  }
}

export function checkSource(from: unknown): void {
  if (typeof from !== 'function' && (typeof from !== 'string' || from === '')) {
    throw new TypeError('from: expected the path of a file, or a function that gives its octets')
  }
}

/** Memory stays flat: of records, only the few that say something of the whole are kept. */
export async function verifyWhole(
  { from, trustAnchors, signal }: Pick<VerifyBackupOptions, 'from' | 'trustAnchors' | 'signal'>,
  opened: OpenWith,
): Promise<VerifiedBackup> {
  let header: BackupHeader | undefined
  let trailer: BackupTrailer | undefined
  let document: DocumentEntry | undefined
  let head: HeadRecord | undefined
  const keys: BackupKey[] = []
  const scopes = new Map<string, CrlScopeEntry>()
  const check = checkRecord()
  const look = (record: StoreRecord): void => {
    check(record)
    if (record.kind === 'head') head = record
    else if (record.kind === 'crlScope') scopes.set(`${record.issuerKeyId}.${record.shard}`, record)
    else if (record.kind === 'document' && record.name === fleetDocumentName) document = record
  }
  for await (const part of readBackup(from, opened, signal)) {
    if (part.type === 'records') part.records.forEach(look)
    else if (part.type === 'key') keys.push(part.key)
    else if (part.type === 'header') header = part.header
    else trailer = part.trailer
  }
  if (header === undefined || trailer === undefined || head === undefined) {
    throw new PkiError('ERR_PKI_BACKUP', { reason: 'there is no fleet in it' })
  }
  const authorities = readAuthorities(document)
  const signer = verifyTrailer(trailer, authorities)
  checkKeys(keys, authorities)
  if (trustAnchors !== undefined) checkRoots(trustAnchors, authorities, signer)
  return { header, trailer, keys, authorities, head, scopes: [...scopes.values()] }
}
