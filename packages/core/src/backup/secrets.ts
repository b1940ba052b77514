import { PkiError } from '@fleetcert/x509'
import type { OpenWith, SealFor } from './age/file-key.ts'

/** A passphrase, or who is asked for it: once. */
export type Passphrase = string | (() => Promise<string>)

/** Checks who a backup is for, before anything is done. */
export function sealFor(
  recipients: readonly string[] | undefined,
  passphrase: Passphrase | undefined,
): () => Promise<SealFor> {
  checkOne('recipients', recipients, passphrase)
  if (recipients === undefined) return async () => ({ passphrase: await ask(passphrase!) })
  return async () => ({ recipients })
}

/** Checks with what a backup is opened, before anything is done. */
export function openWith(
  identities: readonly string[] | undefined,
  passphrase: Passphrase | undefined,
): () => Promise<OpenWith> {
  checkOne('identities', identities, passphrase)
  if (identities === undefined) return async () => ({ passphrase: await ask(passphrase!) })
  return async () => ({ identities })
}

function checkOne(label: string, list: unknown, passphrase: unknown): void {
  // age allows no recipient beside a passphrase.
  if ((list === undefined) === (passphrase === undefined)) {
    throw new TypeError(`${label}, passphrase: expected one of the two`)
  }
  const isList = Array.isArray(list) && list.length > 0 && list.every(item => typeof item === 'string')
  if (list !== undefined && !isList) throw new TypeError(`${label}: expected an array of strings, not empty`)
  const isPassphrase = typeof passphrase === 'function' || (typeof passphrase === 'string' && passphrase !== '')
  if (list === undefined && !isPassphrase) {
    throw new TypeError('passphrase: expected a string that is not empty, or a function')
  }
}

async function ask(passphrase: Passphrase): Promise<string> {
  if (typeof passphrase === 'string') return passphrase
  let answer: unknown
  try {
    answer = await passphrase()
  } catch (cause) {
    throw new PkiError('ERR_PKI_BACKUP_SECRET', {}, { cause })
  }
  if (typeof answer !== 'string' || answer === '') throw new PkiError('ERR_PKI_BACKUP_SECRET', {})
  return answer
}
