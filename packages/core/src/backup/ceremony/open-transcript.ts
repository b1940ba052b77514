import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkNames, signatureAlgorithmIdentifier, toHex } from '@fleetcert/x509'
import { syncDirectory } from '../../signer/key-directory.ts'
import { systemCode } from '../../signer/key-error.ts'
import type { Signer } from '../../signer/signer.ts'
import { orUnwritable } from '../unwritable.ts'
import {
  checkWhat,
  encodeLine,
  lineDigest,
  notGenuine,
  sealedText,
  type TranscriptEntry,
  type TranscriptLine,
  toDetails,
  transcriptFormat,
} from './transcript-line.ts'
import { readLines } from './verify-transcript.ts'

// Of tens of thousands of entries.
const limitBytes = 16 * 1024 * 1024

/** Options of {@link openTranscript}. */
export interface TranscriptOptions {
  /** Of the ceremony; said in the first entry. */
  readonly title: string
  /** Default: the system's. */
  readonly clock?: () => Date
}

/** A file in which a ceremony is recorded, entry by entry. */
export interface Transcript {
  /** SHA-256 of the last entry's line, hex: it stands for all entries so far. To be read out and written down. */
  readonly digest: string
  /**
   * Records what was done, durably before it resolves. Octets among the details are recorded as their SHA-256, PEM as the label and fingerprint of each block. One at a time.
   * @throws TypeError for what looks like a secret; PkiError `ERR_PKI_TRANSCRIPT` once it is sealed, `ERR_PKI_BACKUP_UNWRITABLE`
   */
  record(
    what: string,
    details?: Readonly<Record<string, string | number | boolean | Uint8Array>>,
  ): Promise<TranscriptEntry>
  /** Signs all that was recorded, as its last entry: nothing can be recorded behind it. Then {@link verifyTranscript} proves it by the certificate of that key. */
  seal(signer: Signer): Promise<TranscriptEntry>
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * Begins the transcript of a ceremony in a new file, or goes on with one that is not sealed: a line that a power cut has torn is taken away, and that this was so is recorded.
 * One line of JSON per entry, each with the SHA-256 of the one before; it may be read by anybody and holds no secret.
 *
 * @throws PkiError `ERR_PKI_TRANSCRIPT` for a file that is sealed or no transcript of that title; `ERR_PKI_BACKUP_UNWRITABLE`
 */
export async function openTranscript(path: string, options: TranscriptOptions): Promise<Transcript> {
  if (typeof path !== 'string' || path === '') throw new TypeError('path: expected a path')
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected { title }')
  checkNames('openTranscript', options, { title: true, clock: true })
  const { title, clock = (): Date => new Date() } = options
  checkWhat(title)

  const file = await orUnwritable(path, openFile(path))
  let last: TranscriptLine | undefined
  let digest = ''
  let isSealed = false
  let length = 0
  let queue: Promise<unknown> = Promise.resolve()
  const append = async (line: TranscriptLine): Promise<TranscriptEntry> => {
    const text = encodeLine(line)
    const octets = Buffer.from(`${text}\n`)
    try {
      await orUnwritable(path, writeAt(file, octets, length))
    } catch (error) {
      // A part of it would be taken for a torn line, or stand behind a shorter one.
      await file.truncate(length).catch(() => {})
      throw error
    }
    length += octets.length
    last = line
    digest = lineDigest(text)
    const { entry, at, what, details } = line
    return { entry, at, what, details }
  }
  const nextLine = (what: string, details: TranscriptLine['details']): TranscriptLine => {
    if (isSealed) throw notGenuine('it is sealed')
    return { entry: (last?.entry ?? 0) + 1, at: clock(), what, details, previous: digest }
  }
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }

  try {
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > limitBytes) throw notGenuine('it is no file, or none that was recorded here')
    const text = await file.readFile('utf8')
    const { lines, torn } = readLines(text)
    last = lines.at(-1)
    if (last?.signature !== undefined) throw notGenuine('it is sealed')
    if (last !== undefined && lines[0]!.details['title'] !== title) throw notGenuine('it is of another ceremony')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    length = Buffer.byteLength(whole)
    digest = last === undefined ? '' : lineDigest(encodeLine(last))
    if (torn) await orUnwritable(path, file.truncate(length))
    if (last === undefined) {
      await append(nextLine('begun', { title, format: transcriptFormat }))
      await orUnwritable(path, syncDirectory(dirname(path)))
    } else await append(nextLine('resumed', { torn }))
  } catch (error) {
    await file.close()
    throw error
  }

  return {
    get digest() {
      return digest
    },
    async record(what, details = {}) {
      checkWhat(what)
      const written = toDetails(details)
      return inTurn(async () => append(nextLine(what, written)))
    },
    async seal(signer) {
      return inTurn(async () => {
        const algorithm = toHex(signatureAlgorithmIdentifier(signer.algorithm))
        const line = nextLine('sealed', { publicKey: toHex(signer.publicKey), algorithm })
        const sealed = await append({ ...line, signature: toHex(await signer.sign(sealedText(line))) })
        isSealed = true
        return sealed
      })
    },
    close: () => inTurn(() => file.close()),
  }
}

/** Mode 0644: it is for everybody to read. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return open(path, 'wx+', 0o644)
  }
}

async function writeAt(file: FileHandle, octets: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < octets.length; ) {
    const { bytesWritten } = await file.write(octets, at, octets.length - at, position + at)
    at += bytesWritten
  }
  await file.datasync()
}
