import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFile, unlink } from 'node:fs/promises'
import type { FleetFolder } from './fleet-folder.ts'
import { newKeyPem } from './key-pem.ts'
import { fileModes, writeFileWhole } from './write-file.ts'

/** Where a certificate and its key are. */
export interface KeyFiles {
  readonly certificate: string
  readonly key: string
  /** A key whose certificate is not here yet. It takes the place of `key` together with the certificate. */
  readonly nextKey: string
}

export function deviceFiles(folder: FleetFolder, deviceId: string): KeyFiles {
  // ":" is no part of a file name on Windows.
  const name = deviceId.replaceAll(':', '%3A')
  const at = (suffix: string): string => folder.path('devices', `${name}-${suffix}`)
  return { certificate: at('cert.pem'), key: at('key.pem'), nextKey: at('next-key.pem') }
}

/** Of the broker. */
export function serverFiles(folder: FleetFolder): KeyFiles {
  const at = (suffix: string): string => folder.path(`server-${suffix}`)
  return { certificate: at('cert.pem'), key: at('key.pem'), nextKey: at('next-key.pem') }
}

/** The key that the next certificate will be for: on the disk before it is certified, so that no crash leaves a certificate without its key. One that is there is taken. */
export async function prepareNextKey({ nextKey }: KeyFiles): Promise<KeyObject> {
  const found = await readFile(nextKey, 'utf8').catch(() => undefined)
  if (found !== undefined) return createPrivateKey(found)
  const pem = await newKeyPem()
  await writeFileWhole(nextKey, pem, fileModes.secret)
  return createPrivateKey(pem)
}

/** Puts a certificate and the key that was prepared for it in place. The prepared key goes last: after a death in between, the same command finds it, and does the rest. */
export async function putCredential(files: KeyFiles, certificateText: string): Promise<void> {
  await writeFileWhole(files.key, await readFile(files.nextKey), fileModes.secret)
  await writeFileWhole(files.certificate, certificateText, fileModes.public)
  await unlink(files.nextKey)
}

/** Forgets a prepared key that will not be certified. */
export async function dropNextKey({ nextKey }: KeyFiles): Promise<void> {
  await unlink(nextKey).catch(() => {})
}
