import { pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import {
  createDerReader,
  type DerReader,
  derTag,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from '@fleetcert/x509/der'

/** How the key of PBES2 is made from a passphrase, and with which cipher it encrypts. */
export interface EncryptionScheme {
  readonly derivation:
    | { readonly type: 'scrypt'; readonly salt: Uint8Array; readonly N: number; readonly r: number; readonly p: number }
    | { readonly type: 'pbkdf2'; readonly salt: Uint8Array; readonly rounds: number; readonly hash: string }
  readonly cipher: { readonly name: string; readonly keyOctets: number; readonly initializationVector: Uint8Array }
}

/** Both AES-CBC's initialization vector and its block. */
export const blockOctets = 16

const oid = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
} as const

const ciphers: Readonly<Record<string, { readonly name: string; readonly keyOctets: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyOctets: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyOctets: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyOctets: 32 },
}

const hashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

// Seconds at most.
const mostRounds = 10_000_000
// N × r × p and r × p: less than a second, and less than 192 MiB.
const mostScryptWork = 1 << 20
const mostScryptBlocks = 1 << 16

/** The AlgorithmIdentifier of PBES2 (RFC 8018 appendix A.4) with scrypt and AES-256-CBC. */
export function encodeScryptScheme(
  { salt, N, r, p }: { salt: Uint8Array; N: number; r: number; p: number },
  initializationVector: Uint8Array,
): Uint8Array {
  const scryptParameters = sequence(octetString(salt), integer(N), integer(r), integer(p), integer(32))
  return sequence(
    objectIdentifier(oid.pbes2),
    sequence(
      sequence(objectIdentifier(oid.scrypt), scryptParameters),
      sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octetString(initializationVector)),
    ),
  )
}

/**
 * An EncryptedPrivateKeyInfo (RFC 5958 section 3) in DER under PBES2: PBKDF2 or scrypt, and AES-CBC; `undefined` for any other scheme, and for one that would take more than seconds or 192 MiB.
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseEncryptedPrivateKey(der: Uint8Array): {
  readonly scheme: EncryptionScheme | undefined
  readonly encrypted: Uint8Array
} {
  const reader = createDerReader(der)
  reader.enter(derTag.sequence)
  const algorithm = reader.element(derTag.sequence)
  const encrypted = reader.octetString()
  reader.leave()
  reader.finish()
  const scheme = parseScheme(algorithm)
  const isWhole = encrypted.length > 0 && encrypted.length % blockOctets === 0
  if (scheme !== undefined && !isWhole) throw reader.error('no whole blocks of AES')
  return { scheme, encrypted }
}

/** The encryption key, made in the thread pool. */
export async function deriveKey({ derivation, cipher }: EncryptionScheme, passphrase: string): Promise<Buffer> {
  const { salt } = derivation
  if (derivation.type === 'pbkdf2') {
    return promisify(pbkdf2)(passphrase, salt, derivation.rounds, cipher.keyOctets, derivation.hash)
  }
  const { N, r, p } = derivation
  return deriveByScrypt(passphrase, salt, cipher.keyOctets, { N, r, p, maxmem: 256 * 1024 * 1024 })
}

const deriveByScrypt = promisify(
  scrypt as (
    password: string,
    salt: Uint8Array,
    keyLength: number,
    options: { N: number; r: number; p: number; maxmem: number },
    callback: (error: Error | null, key: Buffer) => void,
  ) => void,
)

function parseScheme(algorithm: Uint8Array): EncryptionScheme | undefined {
  const reader = createDerReader(algorithm)
  reader.enter(derTag.sequence)
  if (reader.objectIdentifier() !== oid.pbes2) return undefined
  reader.enter(derTag.sequence)
  reader.enter(derTag.sequence)
  const derivation = readDerivation(reader)
  if (derivation === undefined) return undefined
  reader.leave()
  reader.enter(derTag.sequence)
  const cipherOid = reader.objectIdentifier()
  const cipher = Object.hasOwn(ciphers, cipherOid) ? ciphers[cipherOid]! : undefined
  if (cipher === undefined) return undefined
  const initializationVector = reader.octetString()
  if (initializationVector.length !== blockOctets) throw reader.error('initialization vector of a wrong length')
  reader.leave()
  reader.leave()
  reader.leave()
  if (derivation.keyOctets !== undefined && derivation.keyOctets !== cipher.keyOctets) return undefined
  return { derivation: derivation.derivation, cipher: { ...cipher, initializationVector } }
}

interface Derivation {
  readonly derivation: EncryptionScheme['derivation']
  readonly keyOctets: number | undefined
}

function readDerivation(reader: DerReader): Derivation | undefined {
  switch (reader.objectIdentifier()) {
    case oid.scrypt:
      return readScrypt(reader)
    case oid.pbkdf2:
      return readPbkdf2(reader)
    default:
      return undefined
  }
}

/** scrypt-params (RFC 7914 section 7.1). */
function readScrypt(reader: DerReader): Derivation | undefined {
  reader.enter(derTag.sequence)
  const salt = reader.octetString()
  const [N, r, p] = [reader.smallInteger(), reader.smallInteger(), reader.smallInteger()]
  const keyOctets = reader.peekTag() === derTag.integer ? reader.smallInteger() : undefined
  reader.leave()
  // RFC 7914 section 2: N "must be larger than 1, a power of 2, and less than 2^(128 * r / 8)".
  const isPower = N > 1 && (N & (N - 1)) === 0 && Math.log2(N) < 16 * r
  const isCheap = N * r * p <= mostScryptWork && r * p <= mostScryptBlocks
  if (!isPower || p === 0 || !isCheap) return undefined
  return { derivation: { type: 'scrypt', salt, N, r, p }, keyOctets }
}

/** PBKDF2-params (RFC 8018 appendix A.2). */
function readPbkdf2(reader: DerReader): Derivation | undefined {
  reader.enter(derTag.sequence)
  // `otherSource` of the CHOICE is reserved.
  const salt = reader.octetString()
  const rounds = reader.smallInteger()
  const keyOctets = reader.peekTag() === derTag.integer ? reader.smallInteger() : undefined
  // "prf AlgorithmIdentifier {{PBKDF2-PRFs}} DEFAULT algid-hmacWithSHA1"
  let hash: string | undefined = 'sha1'
  if (!reader.atEnd) {
    reader.enter(derTag.sequence)
    const prf = reader.objectIdentifier()
    hash = Object.hasOwn(hashes, prf) ? hashes[prf] : undefined
    if (!reader.atEnd) reader.null()
    reader.leave()
  }
  reader.leave()
  if (hash === undefined || rounds === 0 || rounds > mostRounds) return undefined
  return { derivation: { type: 'pbkdf2', salt, rounds, hash }, keyOctets }
}
