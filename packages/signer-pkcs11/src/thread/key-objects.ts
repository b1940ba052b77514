import { createHash } from 'node:crypto'
import type { Handle, Template } from 'pkcs11js'
import { ckMore } from './constants.ts'
import { failed, failureOf } from './failure.ts'
import type { Module } from './module.ts'
import { findObjects, readAttribute, readFlag, readNumber } from './objects.ts'
import type { FoundKey } from './thread-messages.ts'

/** A key of the token with the handle of its private half, which any session of the process may use. */
export interface KeyObject extends FoundKey {
  readonly privateKey: Handle
}

/** Handles of the private keys, or of the public ones, under a label. */
export function keysLabelled(module: Module, session: Handle, half: 'private' | 'public', label: string): Handle[] {
  return findObjects(module, session, [...classOf(module, half), { type: module.ck.CKA_LABEL, value: label }])
}

/** The labels of all private keys, as they come. */
export function privateKeyLabels(module: Module, session: Handle): string[] {
  const keys = findObjects(module, session, classOf(module, 'private'))
  return keys.map(key => readAttribute(module, session, key, module.ck.CKA_LABEL)?.toString('utf8') ?? '')
}

/**
 * The one key under a label; `undefined` if there is none. A failure of the kind `defect` if it cannot be used as it is.
 * @param keyId - only a key with this CKA_ID: others may be there for a moment, see `createKey`
 */
export function findKey(module: Module, session: Handle, label: string, keyId?: Uint8Array): KeyObject | undefined {
  const labelled = keysLabelled(module, session, 'private', label)
  const [privateKey, another] =
    keyId === undefined ? labelled : labelled.filter(key => hasId(module, session, key, keyId))
  if (privateKey === undefined) return undefined
  if (another !== undefined) throw failed('defect', 'the token holds more than one key under the label')
  return readKey(module, session, privateKey, label)
}

/** The key under a label that has this fingerprint, whatever else is under the label; `'another'` if only others are there. */
export function findKeyLike(
  module: Module,
  session: Handle,
  label: string,
  fingerprint: string,
): KeyObject | 'another' | undefined {
  const labelled = keysLabelled(module, session, 'private', label)
  for (const privateKey of labelled) {
    try {
      const key = readKey(module, session, privateKey, label)
      if (key.fingerprint === fingerprint) return key
    } catch (error) {
      // Not the one, whatever is wrong with it; it may have been deleted since.
      const { kind } = failureOf(error)
      if (kind !== 'defect' && kind !== 'refused') throw error
    }
  }
  return labelled.length > 0 ? 'another' : undefined
}

/** Whether an object's CKA_ID is this one. */
export function hasId(module: Module, session: Handle, object: Handle, id: Uint8Array): boolean {
  return readAttribute(module, session, object, module.ck.CKA_ID)?.equals(id) === true
}

function readKey(module: Module, session: Handle, privateKey: Handle, label: string): KeyObject {
  const { ck } = module
  const flag = (type: number): boolean | undefined => readFlag(module, session, privateKey, type)
  if (flag(ck.CKA_SIGN) === false) throw failed('defect', 'a key that may not sign')
  if (flag(ck.CKA_ALWAYS_AUTHENTICATE) === true) throw failed('defect', 'a key that wants the PIN for every signature')
  const publicKey = readPublicKey(module, session, privateKey, label)
  const isExtractable = flag(ck.CKA_EXTRACTABLE) === true || flag(ck.CKA_SENSITIVE) === false
  return { privateKey, publicKey, fingerprint: fingerprintOf(publicKey), isExtractable }
}

function readPublicKey(module: Module, session: Handle, privateKey: Handle, label: string): FoundKey['publicKey'] {
  const { ck } = module
  const holder = publicHalf(module, session, privateKey, label)
  const read = (type: number): Buffer | undefined =>
    // Some tokens show the public values at the private key, and some keep no public key at all.
    (holder && readAttribute(module, session, holder, type)) ?? readAttribute(module, session, privateKey, type)
  const type = readNumber(module, session, privateKey, ck.CKA_KEY_TYPE)
  if (type === ck.CKK_RSA) {
    const [modulus, publicExponent] = [read(ck.CKA_MODULUS), read(ck.CKA_PUBLIC_EXPONENT)]
    if (modulus !== undefined && publicExponent !== undefined) return { type: 'rsa', modulus, publicExponent }
  } else if (type === ck.CKK_EC || type === ckMore.CKK_EC_EDWARDS) {
    const [params, point] = [read(ck.CKA_EC_PARAMS), read(ck.CKA_EC_POINT)]
    if (params !== undefined && point !== undefined)
      return { type: type === ck.CKK_EC ? 'ec' : 'edwards', params, point }
  } else {
    throw failed('defect', 'a key of a kind that is not used: expected EC, Edwards or RSA')
  }
  throw failed('defect', 'the token does not show its public key')
}

/** CKA_ID pairs the halves; where it does not, the label. */
function publicHalf(module: Module, session: Handle, privateKey: Handle, label: string): Handle | undefined {
  const { ck } = module
  const ofClass = classOf(module, 'public')
  const byLabel: Template = [{ type: ck.CKA_LABEL, value: label }]
  const id = readAttribute(module, session, privateKey, ck.CKA_ID)
  const searches =
    id === undefined
      ? [byLabel]
      : [[...byLabel, { type: ck.CKA_ID, value: id }], [{ type: ck.CKA_ID, value: id }], byLabel]
  for (const search of searches) {
    const [found, another] = findObjects(module, session, [...ofClass, ...search])
    if (another !== undefined) throw failed('defect', 'the token holds more than one public key for the label')
    if (found !== undefined) return found
  }
  return undefined
}

function fingerprintOf(publicKey: FoundKey['publicKey']): string {
  const hash = createHash('sha256').update(publicKey.type)
  const [first, second] =
    publicKey.type === 'rsa' ? [publicKey.modulus, publicKey.publicExponent] : [publicKey.params, publicKey.point]
  return hash.update(`${first.length}:`).update(first).update(second).digest('hex')
}

function classOf({ ck }: Module, half: 'private' | 'public'): Template {
  // Of the token, not of a session.
  return [
    { type: ck.CKA_CLASS, value: half === 'private' ? ck.CKO_PRIVATE_KEY : ck.CKO_PUBLIC_KEY },
    { type: ck.CKA_TOKEN, value: true },
  ]
}
