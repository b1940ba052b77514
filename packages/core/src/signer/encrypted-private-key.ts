import { createCipheriv, type KeyObject, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { encodePem } from '@fleetcert/x509'
import { integer, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'

const derive = promisify(
  scrypt as (
    password: string,
    salt: Uint8Array,
    keyLength: number,
    options: { N: number; r: number; p: number; maxmem: number },
    callback: (error: Error | null, key: Buffer) => void,
  ) => void,
)

// OpenSSL refuses to read a key whose scrypt wants more than 32 MiB, so this is as high as a file that every tool opens can go.
const cost = { N: 1 << 14, r: 8, p: 1 } as const

/**
 * PKCS #8 as EncryptedPrivateKeyInfo (RFC 5958 section 3) under PBES2 with scrypt (RFC 7914 section 7) and AES-256-CBC. PEM `ENCRYPTED PRIVATE KEY`.
 * node:crypto writes PBKDF2 with 2,048 rounds only, which a GPU walks through.
 */
export async function encryptPrivateKey(key: KeyObject, passphrase: string): Promise<string> {
  const salt = randomBytes(16)
  const initializationVector = randomBytes(16)
  const encryptionKey = await derive(passphrase, salt, 32, { ...cost, maxmem: 64 * 1024 * 1024 })
  const cipher = createCipheriv('aes-256-cbc', encryptionKey, initializationVector)
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  encryptionKey.fill(0)
  const scryptParameters = sequence(octetString(salt), integer(cost.N), integer(cost.r), integer(cost.p), integer(32))
  const algorithm = sequence(
    objectIdentifier('1.2.840.113549.1.5.13'), // id-PBES2
    sequence(
      sequence(objectIdentifier('1.3.6.1.4.1.11591.4.11'), scryptParameters), // id-scrypt
      sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octetString(initializationVector)), // aes256-CBC-PAD
    ),
  )
  return encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(encrypted)))
}
