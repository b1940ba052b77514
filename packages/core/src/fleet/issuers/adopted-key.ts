import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { type Certificate, keyId, PkiError } from '@fleetcert/x509'
import type { Keyring, Signer } from '../../signer/signer.ts'

/**
 * The key of a CA that is taken over.
 * `privateKey`: PEM, encrypted under `passphrase` or in the clear; it goes into the issuing keyring, under the protection that keys have there. `keyName`: the key is in that keyring already, such as one that was moved into an HSM.
 */
export type KeyRef = { readonly privateKey: string; readonly passphrase?: string } | { readonly keyName: string }

/**
 * The key in the keyring, which is the certificate's. Nothing is kept of one that is not.
 * @throws PkiError `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_MISSING`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_UNWRITABLE`, `ERR_PKI_KEY_PERMISSIONS`
 */
export async function adoptedKey(
  keyring: Keyring,
  certificate: Certificate,
  key: KeyRef,
): Promise<{ readonly keyName: string; readonly signer: Signer }> {
  if (typeof key !== 'object' || key === null) throw new TypeError('key: expected { privateKey } or { keyName }')
  if ('keyName' in key) {
    const signer = await keyring.open(key.keyName)
    if (signer === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: key.keyName })
    return { keyName: key.keyName, signer: checked(signer, certificate, key.keyName) }
  }
  // By its hash: taken over again, it is found.
  const keyName = `adopted-${keyId(certificate.subjectPublicKeyInfo).slice(0, 16)}`
  const privateKey = readKey(key, keyName)
  if (Buffer.compare(spkiOf(privateKey), certificate.subjectPublicKeyInfo) !== 0) throw notIts(keyName)
  const existing = await keyring.open(keyName)
  if (existing !== undefined) return { keyName, signer: checked(existing, certificate, keyName) }
  if (keyring.import === undefined) {
    throw new PkiError('ERR_PKI_KEY_UNWRITABLE', {
      name: keyName,
      reason: 'the keyring takes in no keys: name the one that it has',
    })
  }
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { keyName, signer: checked(await keyring.import(keyName, pem), certificate, keyName) }
}

function readKey({ privateKey, passphrase }: Extract<KeyRef, { privateKey: string }>, name: string): KeyObject {
  if (typeof privateKey !== 'string') throw new TypeError('key.privateKey: expected PEM')
  try {
    return createPrivateKey({ key: privateKey, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    // Not told why: what Node says of it may hold parts of the key. One that is damaged cannot be told from a wrong passphrase.
    if (/ENCRYPTED/.test(privateKey)) throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
    throw new PkiError('ERR_PKI_KEY_UNREADABLE', { name, reason: 'it is no private key' })
  }
}

function checked(signer: Signer, certificate: Certificate, name: string): Signer {
  if (Buffer.compare(signer.publicKey, certificate.subjectPublicKeyInfo) !== 0) throw notIts(name)
  return signer
}

function notIts(name: string): PkiError {
  return new PkiError('ERR_PKI_KEY_UNREADABLE', { name, reason: 'it is not the key of the CA certificate' })
}

function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}
