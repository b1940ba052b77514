import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { PkiError } from '@fleetcert/x509'
import { systemCode } from '../signer/key-error.ts'
import type { StoreRecord } from '../store/store-records.ts'
import { decryptAge } from './age/age-file.ts'
import type { OpenWith } from './age/file-key.ts'
import {
  type BackupHeader,
  type BackupKey,
  type BackupTrailer,
  decodeHeader,
  decodeKey,
  decodeTrailer,
} from './format/backup-json.ts'
import { decodeFrames, encodeFrameHead, type Frame } from './format/frame.ts'
import { decodePackedPage, decodeRecordPage } from './format/record-page.ts'

/** Where a backup is read from: the path of a file, or a function that gives its octets, from the beginning each time. */
export type BackupSource = string | (() => AsyncIterable<Uint8Array>)

/** A piece of a backup, in its order: the header, the keys, pages of records, the trailer. */
export type BackupPart =
  | { readonly type: 'header'; readonly header: BackupHeader }
  | { readonly type: 'key'; readonly key: BackupKey }
  | { readonly type: 'records'; readonly records: readonly StoreRecord[] }
  | { readonly type: 'trailer'; readonly trailer: BackupTrailer }

/**
 * The pieces of a backup, each of them genuine. Whoever has met the end without an error has met all of them, as many as the trailer counts and with its digest; whose signature that is, is left to the caller.
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_SECRET`, `ERR_PKI_BACKUP_VERSION`
 */
export async function* readBackup(
  from: BackupSource,
  openWith: OpenWith,
  signal?: AbortSignal,
): AsyncGenerator<BackupPart, void, void> {
  const digest = createHash('sha256')
  const counts = new Map<string, number>()
  let last: Frame['type'] | undefined
  for await (const frame of decodeFrames(decryptAge(octetsOf(from), openWith))) {
    signal?.throwIfAborted()
    if (!follows(frame.type, last)) throw damaged('its pieces are in another order')
    last = frame.type
    if (frame.type !== 'trailer') digest.update(encodeFrameHead(frame.type, frame.content.length)).update(frame.content)
    const part = decodePart(frame)
    if (part.type === 'records') {
      for (const { kind } of part.records) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    if (part.type === 'trailer') checkTrailer(part.trailer, digest.digest('hex'), counts)
    yield part
  }
  if (last !== 'trailer') throw damaged('it has no end')
}

/** Which pieces come behind which. */
function follows(type: Frame['type'], last: Frame['type'] | undefined): boolean {
  switch (type) {
    case 'header':
      return last === undefined
    case 'key':
      return last === 'header' || last === 'key'
    case 'trailer':
      return isOfRecords(last)
    default:
      return last === 'header' || last === 'key' || isOfRecords(last)
  }
}

function isOfRecords(type: Frame['type'] | undefined): boolean {
  return type === 'records' || type === 'certificates' || type === 'events'
}

function decodePart({ type, content }: Frame): BackupPart {
  switch (type) {
    case 'header':
      return { type, header: decodeHeader(content) }
    case 'key':
      return { type, key: decodeKey(content) }
    case 'records':
      return { type, records: decodeRecordPage(content) }
    case 'certificates':
      return { type: 'records', records: decodePackedPage('certificate', content) }
    case 'events':
      return { type: 'records', records: decodePackedPage('event', content) }
    case 'trailer':
      return { type, trailer: decodeTrailer(content) }
  }
}

function checkTrailer({ records, digest }: BackupTrailer, found: string, counts: ReadonlyMap<string, number>): void {
  const counted = Object.entries(records)
  const isAll = counted.length === counts.size && counted.every(([kind, count]) => counts.get(kind) === count)
  if (digest !== found || !isAll) throw damaged('it is not what its end says')
}

async function* octetsOf(from: BackupSource): AsyncGenerator<Uint8Array, void, void> {
  if (typeof from === 'function') {
    yield* from()
    return
  }
  try {
    yield* createReadStream(from, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>
  } catch (cause) {
    const reason = systemCode(cause)
    throw reason === undefined ? cause : new PkiError('ERR_PKI_BACKUP', { reason }, { cause })
  }
}

function damaged(reason: string): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason })
}
