import { createPublicKey, type KeyObject, createPrivateKey as readPrivateKey, sign, verify } from 'node:crypto'
import { decodePem, isPkiError, PkiError, parsePublicKey } from '@fleetcert/x509'
import { createDerReader } from '@fleetcert/x509/der'
import { decryptPrivateKey } from './encrypted-private-key.ts'
import { parseEncryptedPrivateKey } from './encryption-scheme.ts'
import { unreadable } from './key-error.ts'

const encryptedLabel = 'ENCRYPTED PRIVATE KEY'
const encryptIt = 'openssl pkcs8 -topk8 -scrypt -in key.pem -out encrypted-key.pem'

// PKCS #8, and what `openssl ecparam -genkey -noout` and older programs write.
const types: Readonly<Record<string, 'pkcs8' | 'sec1' | 'pkcs1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
}

/**
 * The one private key in the text of a key file. `passphrase` is asked once, and only for a key that can be decrypted at all; without it only clear keys are taken, with it only encrypted ones.
 * @throws PkiError `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_PASSPHRASE`
 */
export async function readKeyText(
  text: string,
  name: string,
  passphrase: (() => Promise<string>) | undefined,
): Promise<KeyObject> {
  const { label, der } = theOneBlock(text, name)
  if (label === encryptedLabel) return readEncrypted(der, name, passphrase)
  const type = Object.hasOwn(types, label) ? types[label]! : undefined
  if (type === undefined) throw unreadable(name, 'not a PKCS #8 private key in PEM')
  if (passphrase !== undefined) {
    throw unreadable(name, `not encrypted, although a passphrase is configured; to encrypt it: ${encryptIt}`)
  }
  return readDer(der, type, name)
}

/** Whether the text of a key file says that its key is encrypted. */
export function isEncrypted(text: string): boolean {
  return text.includes(`-----BEGIN ${encryptedLabel}-----`)
}

function theOneBlock(text: string, name: string): { readonly label: string; readonly der: Uint8Array } {
  // RFC 1421's way, which OpenSSL keeps for what is not PKCS #8: the key is one round of MD5 over the passphrase.
  if (text.includes('Proc-Type:')) throw unreadable(name, `encrypted the old way of PEM; to convert it: ${encryptIt}`)
  const blocks = orDefect(name, () => decodePem(text))
  if (blocks.length > 1) throw unreadable(name, 'more than one PEM block')
  if (blocks[0] === undefined) throw unreadable(name, 'not a PKCS #8 private key in PEM')
  return blocks[0]
}

async function readEncrypted(
  der: Uint8Array,
  name: string,
  passphrase: (() => Promise<string>) | undefined,
): Promise<KeyObject> {
  const { scheme, encrypted } = orDefect(name, () => parseEncryptedPrivateKey(der))
  if (scheme === undefined) {
    throw unreadable(
      name,
      `encrypted otherwise than by PBES2 with PBKDF2 or scrypt and AES-CBC; decrypt it, then: ${encryptIt}`,
    )
  }
  if (passphrase === undefined) throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
  const plain = await decryptPrivateKey(scheme, encrypted, await passphrase())
  if (plain === 'wrongPassphrase') throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
  if (plain === 'damaged') throw unreadable(name, plain)
  try {
    return readDer(plain, 'pkcs8', name)
  } finally {
    plain.fill(0)
  }
}

function readDer(der: Uint8Array, type: 'pkcs8' | 'sec1' | 'pkcs1', name: string): KeyObject {
  let key: KeyObject
  try {
    const reader = createDerReader(der)
    reader.element()
    reader.finish()
    key = readPrivateKey({ key: Buffer.from(der.buffer, der.byteOffset, der.length), format: 'der', type })
  } catch {
    // The library's error is dropped: it may quote what it read.
    throw unreadable(name, isMlDsa(der) ? 'damaged, or made by a newer Node.js: ML-DSA takes 24.7' : 'damaged')
  }
  checkKind(key, name)
  return key
}

/** Whether the algorithm of a PrivateKeyInfo is ML-DSA-44 or ML-DSA-65: its OBJECT IDENTIFIER stands near the beginning. */
function isMlDsa(der: Uint8Array): boolean {
  const head = Buffer.from(der.subarray(0, 32)).toString('hex')
  return /060960864801650304031[12]/.test(head)
}

/** The kinds that certificates are issued for are those that sign them. RSA as in CA/B Baseline Requirements 6.1.5 and 6.1.6; curves by name alone (RFC 5480 section 2.1.1). */
function checkKind(key: KeyObject, name: string): void {
  const publicKey = createPublicKey(key)
  const kind = kindOf(publicKey)
  const isUsed =
    kind.type === 'ed25519' ||
    kind.type === 'ml-dsa-44' ||
    kind.type === 'ml-dsa-65' ||
    (kind.type === 'ec' && kind.curve !== 'P-521') ||
    (kind.type === 'rsa' && kind.modulusBits >= 2048 && kind.modulusBits <= 4096 && kind.publicExponent >= 65537n)
  if (!isUsed) {
    throw unreadable(
      name,
      'of a kind that is not used: expected P-256, P-384, Ed25519, RSA of 2048 to 4096 bits, ML-DSA-44 or ML-DSA-65',
    )
  }
  // The two halves stand side by side in the file, and OpenSSL does not compare them.
  const probe = Buffer.from(name)
  const hash = kind.type === 'ec' || kind.type === 'rsa' ? 'sha256' : null
  if (!verify(hash, probe, publicKey, sign(hash, probe, key))) throw unreadable(name, 'damaged')
}

function kindOf(publicKey: KeyObject): ReturnType<typeof parsePublicKey> {
  try {
    return parsePublicKey(publicKey.export({ type: 'spki', format: 'der' }))
  } catch {
    return { type: 'unsupported', algorithm: '' }
  }
}

/** What `read` gives; what is no PEM and no DER becomes `ERR_PKI_KEY_UNREADABLE`. */
function orDefect<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isPkiError(error)) throw error
    const { reason } = error.details as { reason?: string }
    throw unreadable(name, reason ?? 'damaged')
  }
}
