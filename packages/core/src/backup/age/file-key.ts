import { isPkiError, PkiError } from '@fleetcert/x509'
import { Decrypter, Encrypter } from 'age-encryption'
import type { ByteReader } from './byte-reader.ts'
import { scryptIdentity, scryptRecipient } from './scrypt-stanza.ts'

/** For whom a file is encrypted: age recipients (`age1…`), or whoever knows the passphrase. */
export type SealFor = { readonly recipients: readonly string[] } | { readonly passphrase: string }

/** What opens it: age identities (`AGE-SECRET-KEY-1…`, `AGE-SECRET-KEY-PQ-1…`), or the passphrase. */
export type OpenWith = { readonly identities: readonly string[] } | { readonly passphrase: string }

const versionLine = 'age-encryption.org/v1\n'
const headerLimit = 64 * 1024
const lineFeed = 0x0a
/** Of an empty payload: its nonce and the tag of its one chunk. */
const emptyPayloadOctets = 16 + 16

/** A fresh file key, and the header of an age file that holds it for those it is for. @throws TypeError for a recipient that is none. */
export async function sealFileKey(sealFor: SealFor): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = new Encrypter()
  if ('passphrase' in sealFor) encrypter.addRecipient(scryptRecipient(sealFor.passphrase))
  else for (const recipient of sealFor.recipients) addRecipient(encrypter, recipient)
  let fileKey: Uint8Array | undefined
  // The library does not hand out the key that it draws; a recipient of no stanza hears of it. The payload is then encrypted here: see payload.ts.
  encrypter.addRecipient({
    wrapFileKey(drawn) {
      fileKey = drawn
      return []
    },
  })
  const file = await encrypter.encrypt(new Uint8Array())
  if (fileKey === undefined) throw new TypeError('age-encryption: no file key was drawn')
  return { header: file.subarray(0, file.length - emptyPayloadOctets), fileKey }
}

/**
 * The file key in the header that `reader` begins with, which is then behind it.
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_SECRET`; TypeError for an identity that is none.
 */
export async function openFileKey(reader: ByteReader, openWith: OpenWith): Promise<Uint8Array> {
  const decrypter = new Decrypter()
  if ('passphrase' in openWith) decrypter.addIdentity(scryptIdentity(openWith.passphrase))
  else for (const identity of openWith.identities) addIdentity(decrypter, identity)
  const header = await readHeader(reader)
  try {
    return await decrypter.decryptHeader(header)
  } catch (error) {
    if (isPkiError(error)) throw error
    // The library tells its errors apart by their words alone.
    const nobody = error instanceof Error && error.message.startsWith('no identity matched')
    throw nobody
      ? new PkiError('ERR_PKI_BACKUP_SECRET', {})
      : new PkiError('ERR_PKI_BACKUP', { reason: 'its header is damaged' }, { cause: error })
  }
}

/** The lines up to and with the one that holds the header's MAC. */
async function readHeader(reader: ByteReader): Promise<Uint8Array> {
  const lines: Buffer[] = []
  let length = 0
  for (;;) {
    const limit = lines.length === 0 ? versionLine.length : headerLimit - length
    const line = await reader.takeThrough(lineFeed, limit)
    if (line === undefined || (lines.length === 0 && line.toString('latin1') !== versionLine)) {
      throw new PkiError('ERR_PKI_BACKUP', {
        reason: lines.length === 0 ? 'not an age file' : 'its header is cut short',
      })
    }
    lines.push(line)
    length += line.length
    if (line.subarray(0, 4).toString('latin1') === '--- ') return Buffer.concat(lines)
  }
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new TypeError('recipients: expected age recipients (age1…)', { cause })
  }
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity)
  } catch {
    // Without the cause: it may quote the identity.
    throw new TypeError('identities: expected age identities (AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…)')
  }
}
