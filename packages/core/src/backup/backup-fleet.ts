import { createHash } from 'node:crypto'
import {
  checkNames,
  type IoOptions,
  type KnownNames,
  PkiError,
  parseCertificate,
  signatureAlgorithmIdentifier,
  toHex,
} from '@fleetcert/x509'
import { decodeFleetDocument, type FleetDocument, fleetDocumentName } from '../fleet/fleet-document.ts'
import { releaseOctets } from '../revocation/release-octets.ts'
import type { Signer } from '../signer/signer.ts'
import type { Store } from '../store/store.ts'
import type { StoreRecordKind } from '../store/store-records.ts'
import { encryptAge } from './age/age-file.ts'
import { exportFleet } from './export-fleet.ts'
import {
  type BackupHeader,
  type BackupKey,
  type BackupTrailer,
  backupFormat,
  encodeJson,
  type KeyringRole,
  signedText,
} from './format/backup-json.ts'
import { encodeFrameHead, type FrameType } from './format/frame.ts'
import { encodeRecordPage } from './format/record-page.ts'
import { type FleetKeyrings, keyringsOf } from './keyrings.ts'
import { type Passphrase, sealFor } from './secrets.ts'

/** Options of {@link backupFleet}. */
export interface BackupOptions extends IoOptions {
  /** Of a fleet that is open or not; may be in use. Not closed. */
  readonly store: Store
  /** As in `openFleet`: where the keys are. The issuing CA's key signs the backup. */
  readonly keyring: FleetKeyrings
  /** Whoever has one of these age recipients' identities can open the backup: `age1…`. Either these or `passphrase`. */
  readonly recipients?: readonly string[]
  /** Whoever knows it can open the backup. Either this or `recipients`. See {@link createPassphrase}. */
  readonly passphrase?: Passphrase
  /** Told after each page how many records there are so far. */
  readonly onProgress?: (progress: { readonly records: number }) => void
  /** What the backup is dated by. Default: the system's. */
  readonly clock?: () => Date
}

const optionNames: KnownNames<BackupOptions> = {
  store: true,
  keyring: true,
  recipients: true,
  passphrase: true,
  onProgress: true,
  clock: true,
  signal: true,
}

/**
 * The whole fleet as one encrypted file, piece by piece as it is read: {@link writeBackup} puts it on a disk. An age file (v1, binary); what is in it is documented in docs/backup.md.
 *
 * In it is all that the store keeps, and each CA's key that its keyring gives out, under the protection that it has there. Taken while the fleet is at work: every certificate whose `enroll` or `renew` resolved before the
 * first piece was asked for is in it, and so is every revocation. Memory stays flat. The issuing CA signs it, so that nobody who merely knows a recipient can make another.
 *
 * Only when the iteration has ended without an error is it a backup.
 *
 * @throws TypeError for options that are none; while iterating PkiError `ERR_PKI_AWAITING_ISSUER`, `ERR_PKI_KEY_MISSING` of the issuing CA, `ERR_PKI_BACKUP_SECRET`, and what store and keyring reject.
 */
export function backupFleet(options: BackupOptions): AsyncIterable<Uint8Array> {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected { store, keyring, … }')
  checkNames('backupFleet', options, optionNames)
  if (typeof options.store?.open !== 'function') throw new TypeError('store: expected a Store')
  keyringsOf(options.keyring)
  const secret = sealFor(options.recipients, options.passphrase)
  return (async function* () {
    yield* encryptAge(plainBackup(options), await secret())
  })()
}

async function* plainBackup(options: BackupOptions): AsyncGenerator<Uint8Array, void, void> {
  const { keyring, clock = (): Date => new Date(), onProgress, signal } = options
  const { store } = options
  const io: IoOptions = signal === undefined ? {} : { signal }
  const digest = createHash('sha256')
  const frame = (type: FrameType, content: Uint8Array): readonly Uint8Array[] => {
    signal?.throwIfAborted()
    const octets = [encodeFrameHead(type, content.length), content]
    for (const part of octets) digest.update(part)
    return octets
  }

  await store.open(io)
  const { fleetId } = await store.state(io)
  const found = await store.document(fleetDocumentName, io)
  const { document } = decodeFleetDocument(found ?? notAFleet())
  const keys = await collectKeys(document, keyringsOf(keyring))
  const signer = await openSigner(document, keyringsOf(keyring))
  const { organization } = document
  const header: BackupHeader = {
    format: backupFormat,
    fleetId,
    createdAt: clock(),
    ...(organization === undefined ? {} : { organization }),
  }
  yield* frame('header', encodeJson(header))
  for (const key of keys) yield* frame('key', encodeJson(key))

  const counts: Partial<Record<StoreRecordKind, number>> = {}
  let records = 0
  const count = (kind: StoreRecordKind, more: number): void => {
    counts[kind] = (counts[kind] ?? 0) + more
    records += more
  }
  for await (const page of exportFleet(store, io)) {
    if ('packed' in page) {
      count(page.kind, page.count)
      yield* frame(page.kind === 'certificate' ? 'certificates' : 'events', page.packed)
      // Encrypted by now. Left to the collector, it would be tens of megabytes before that comes round.
      releaseOctets([page.packed])
    } else {
      for (const { kind } of page.records) count(kind, 1)
      yield* frame('records', encodeRecordPage(page.records))
    }
    onProgress?.({ records })
  }
  const hex = digest.digest('hex')
  const trailer: BackupTrailer = {
    records: counts,
    digest: hex,
    signature: {
      publicKey: toHex(signer.publicKey),
      algorithm: toHex(signatureAlgorithmIdentifier(signer.algorithm)),
      value: toHex(await signer.sign(signedText(hex), io)),
    },
  }
  const end = encodeJson(trailer)
  yield encodeFrameHead('trailer', end.length)
  yield end
}

/** Each key that the fleet document names, once, with what its keyring gives out. */
async function collectKeys(
  { authorities }: FleetDocument,
  keyrings: ReturnType<typeof keyringsOf>,
): Promise<readonly BackupKey[]> {
  const keys: BackupKey[] = []
  for (const { keyring, keyName, own } of authorities) {
    if (keyring === undefined || keyName === undefined) continue
    if (keys.some(key => key.keyring === keyring && key.name === keyName)) continue
    const publicKey = own && toHex(parseCertificate(Buffer.from(own.certificate, 'base64')).subjectPublicKeyInfo)
    const pem = await keyrings[keyring].export?.(keyName)
    keys.push({
      keyring,
      name: keyName,
      ...(publicKey === undefined ? {} : { publicKey }),
      ...(pem === undefined ? {} : { pem }),
    })
  }
  return keys
}

/** The key of the CA that issues now. */
async function openSigner({ authorities }: FleetDocument, keyrings: ReturnType<typeof keyringsOf>): Promise<Signer> {
  const issuing = authorities.find(({ role, state, own }) => role === 'issuingCa' && state === 'active' && own)
  if (issuing?.keyring === undefined || issuing.keyName === undefined) throw new PkiError('ERR_PKI_AWAITING_ISSUER', {})
  const signer = await keyrings[issuing.keyring satisfies KeyringRole].open(issuing.keyName)
  if (signer === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: issuing.keyName })
  return signer
}

function notAFleet(): never {
  throw new PkiError('ERR_PKI_BACKUP', { reason: 'the store holds no fleet' })
}
