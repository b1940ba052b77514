import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { encodePem } from '@fleetcert/x509'
import { octetString, sequence } from '@fleetcert/x509/der'
import { blockOctets, deriveKey, type EncryptionScheme, encodeScryptScheme } from './encryption-scheme.ts'

// OpenSSL reads no key whose scrypt wants more than 32 MiB; this is the highest power of two below.
const cost = { N: 1 << 14, r: 8, p: 1 } as const

/**
 * PKCS #8 as EncryptedPrivateKeyInfo (RFC 5958 section 3) under PBES2 with scrypt (RFC 7914 section 7) and AES-256-CBC. PEM `ENCRYPTED PRIVATE KEY`.
 * OpenSSL from 1.1 and Node read it; GnuTLS 3.7 knows no scrypt there. node:crypto itself writes PBKDF2 with 2,048 rounds only, which a GPU walks through.
 */
export async function encryptPrivateKey(key: KeyObject, passphrase: string): Promise<string> {
  const derivation = { type: 'scrypt', salt: randomBytes(16), ...cost } as const
  const initializationVector = randomBytes(blockOctets)
  const scheme = { derivation, cipher: { name: 'aes-256-cbc', keyOctets: 32, initializationVector } }
  const encryptionKey = await deriveKey(scheme, passphrase)
  const cipher = createCipheriv(scheme.cipher.name, encryptionKey, initializationVector)
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  encryptionKey.fill(0)
  const algorithm = encodeScryptScheme(derivation, initializationVector)
  return encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(encrypted)))
}

/**
 * The PrivateKeyInfo in what was encrypted, for the caller to wipe; `'wrongPassphrase'` or `'damaged'` if there is none.
 *
 * Nothing in PBES2 tells the two apart for certain. Here a passphrase is right if the first block comes out as the beginning of a PrivateKeyInfo, which a wrong one does once in 2^39;
 * so damage to the salt, the initialization vector or the first block looks like a wrong passphrase, and any other does not.
 */
export async function decryptPrivateKey(
  scheme: EncryptionScheme,
  encrypted: Uint8Array,
  passphrase: string,
): Promise<Buffer | 'wrongPassphrase' | 'damaged'> {
  const encryptionKey = await deriveKey(scheme, passphrase)
  const decipher = createDecipheriv(scheme.cipher.name, encryptionKey, scheme.cipher.initializationVector)
  // Wrong padding should not be the first thing that is noticed.
  decipher.setAutoPadding(false)
  const plain = decipher.update(encrypted)
  decipher.final()
  encryptionKey.fill(0)
  if (!beginsPrivateKeyInfo(plain)) return 'wrongPassphrase'
  const padding = plain[plain.length - 1]!
  const end = plain.length - padding
  const padded = padding >= 1 && padding <= blockOctets && plain.subarray(end).every(octet => octet === padding)
  return padded ? plain.subarray(0, end) : 'damaged'
}

/** SEQUENCE { INTEGER 0 or 1, SEQUENCE … (RFC 5958 section 2). */
function beginsPrivateKeyInfo(octets: Uint8Array): boolean {
  const lengthOctets = octets[1]! < 0x80 ? 1 : 1 + (octets[1]! & 0x7f)
  const [integerTag, length, version, sequenceTag] = octets.subarray(1 + lengthOctets)
  return (
    octets[0] === 0x30 &&
    lengthOctets <= 3 &&
    integerTag === 0x02 &&
    length === 1 &&
    version! <= 1 &&
    sequenceTag === 0x30
  )
}
