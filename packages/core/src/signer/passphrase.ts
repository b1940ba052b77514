import { read as readOctets } from 'node:fs'
import { open } from 'node:fs/promises'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'

const limitOctets = 4096

/**
 * A passphrase, or a PIN, from an environment variable: for `fileKeyring({ passphrase })`, `pkcs11Keyring({ pin })`. Read when it is asked for; rejects where it is not set, or empty.
 *
 * @example
 * fileKeyring('certs', { passphrase: passphraseFromEnv('FLEETCERT_KEY_PASSPHRASE') })
 */
export function passphraseFromEnv(name: string): () => Promise<string> {
  if (typeof name !== 'string' || name === '')
    throw new TypeError('passphraseFromEnv: name: expected the name of a variable')
  return async () => {
    const passphrase = process.env[name]
    if (passphrase === undefined || passphrase === '')
      throw new Error(`the environment variable ${name} is not set, or empty`)
    return passphrase
  }
}

/**
 * A passphrase, or a PIN, from a file: a path, such as a mounted secret's, which is read each time it is asked for; or the number of a file descriptor that this process was started with, which is read once and to its end.
 * One line end after it is not part of it. Rejects what is empty, longer than 4 KiB or not UTF-8, and a terminal.
 *
 * @example
 * // node server.ts 3< passphrase.txt
 * fileKeyring('certs', { passphrase: passphraseFromFile(3) })
 */
export function passphraseFromFile(source: string | number): () => Promise<string> {
  if (typeof source === 'string' && source !== '') return () => readFile(source)
  if (typeof source !== 'number' || !Number.isInteger(source) || source < 0) {
    throw new TypeError('passphraseFromFile: source: expected a path or the number of a file descriptor')
  }
  let passphrase: Promise<string> | undefined
  return () => {
    passphrase ??= readDescriptor(source)
    return passphrase
  }
}

async function readFile(path: string): Promise<string> {
  const file = await open(path)
  try {
    return await readDescriptor(file.fd)
  } finally {
    await file.close()
  }
}

async function readDescriptor(descriptor: number): Promise<string> {
  // Nobody would know what to type, and it would be shown.
  if (isatty(descriptor)) throw new Error('the passphrase is to be read from a terminal')
  const buffer = Buffer.alloc(limitOctets + 1)
  try {
    let length = 0
    for (;;) {
      const { bytesRead } = await promisify(readOctets)(descriptor, buffer, length, buffer.length - length, null)
      length += bytesRead
      if (bytesRead === 0) break
    }
    if (length > limitOctets) throw new Error('the passphrase is longer than 4 KiB')
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const text = decoder.decode(buffer.subarray(0, length)).replace(/\r?\n$/, '')
    if (text === '') throw new Error('the passphrase is empty')
    return text
  } finally {
    buffer.fill(0)
  }
}
