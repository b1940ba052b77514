import { keyId, PkiError, parseFingerprint, toHex } from '@fleetcert/x509'

/**
 * Keys that the operator never certifies, by the SHA-256 of their SubjectPublicKeyInfo: a list (64 hexadecimal digits or `AA:BB:…`), or a question that is asked for each key with lower-case hex.
 * Only the answer `false` lets a key pass; a question that throws or rejects refuses with what it threw.
 */
export type BlockedKeys = Iterable<string> | ((spkiSha256: string) => boolean | Promise<boolean>)

/** Refuses blocked keys. */
export type BlockedKeyCheck = (subjectPublicKeyInfo: Uint8Array) => Promise<void>

/**
 * @returns `undefined` where nothing is blocked, so that nothing is hashed.
 * @throws PkiError `ERR_PKI_FINGERPRINT` for a list with something else in it; the check rejects `ERR_PKI_KEY_BLOCKED`
 */
export function createBlockedKeyCheck(blockedKeys: BlockedKeys | undefined): BlockedKeyCheck | undefined {
  if (blockedKeys === undefined) return undefined
  const isBlocked = typeof blockedKeys === 'function' ? blockedKeys : listed(blockedKeys)
  if (isBlocked === undefined) return undefined
  return async subjectPublicKeyInfo => {
    if ((await isBlocked(keyId(subjectPublicKeyInfo))) !== false) throw new PkiError('ERR_PKI_KEY_BLOCKED', {})
  }
}

function listed(hashes: Iterable<string>): ((spkiSha256: string) => boolean) | undefined {
  // A string is iterable too, by characters.
  if (typeof hashes === 'string') throw new TypeError('blockedKeys: expected several hashes, or a function')
  const list = new Set<string>()
  for (const hash of hashes) list.add(toHex(parseFingerprint(hash)))
  return list.size === 0 ? undefined : hash => list.has(hash)
}
