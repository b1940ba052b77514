import type { KeyAlgorithm } from '@fleetcert/core'
import type { Handle, Mechanism, Template } from 'pkcs11js'
import { ckMore } from './constants.ts'
import { failed, failureOf } from './failure.ts'
import { hasId, keysLabelled } from './key-objects.ts'
import type { Module } from './module.ts'
import { findObjects, readFlag } from './objects.ts'
import type { Session } from './session.ts'

/**
 * Makes a key in the token under a label that is free: not extractable, sensitive, for signatures alone.
 *
 * PKCS #11 has no names that are taken once. So the key is made, and then it is looked whether another came under the same label meanwhile: whoever sees another takes its own away again. Of several that make the same key at once,
 * never two succeed, as long as the token shows a new key to everybody at once; all may fail as `contested`.
 *
 * @param keyId - CKA_ID of the new key: 16 random octets, the same when it is asked for once more because the answer was lost
 */
export function createKey(
  module: Module,
  session: Session,
  label: string,
  algorithm: KeyAlgorithm,
  keyId: Uint8Array,
): void {
  const { p11, ck } = module
  const id = Buffer.from(keyId)
  const isOwn = (key: Handle): boolean => hasId(module, session.handle, key, id)
  const others = (): Handle[] => keysLabelled(module, session.handle, 'private', label).filter(key => !isOwn(key))
  const own = (): Handle[] => keysLabelled(module, session.handle, 'private', label).filter(isOwn)

  session.assertUsable()
  if (others().length > 0) throw failed('exists', 'another key has the label')
  const kind = kindOf(module, algorithm)
  if (kind === undefined || !session.can(kind.mechanism, ck.CKF_GENERATE_KEY_PAIR)) {
    throw failed('algorithm', 'the token makes no such keys')
  }
  if (own().length === 0) {
    session.writing(writing => generate(module, writing, kind, label, id))
  }
  const defect = others().length > 0 ? 'contested' : defectOf(module, session.handle, own()[0])
  if (defect === undefined) return
  session.writing(writing => {
    for (const object of findObjects(module, writing, [{ type: ck.CKA_ID, value: id }]))
      p11.C_DestroyObject(writing, object)
  })
  if (defect === 'contested') throw failed('contested', 'another key came under the label')
  throw failed('writable', defect)
}

interface Kind {
  readonly mechanism: number
  /** For the public key, one after the other: tokens differ in how they want a curve named. */
  readonly parameters: readonly Template[]
}

function kindOf({ ck }: Module, algorithm: KeyAlgorithm): Kind | undefined {
  const curve = (hex: string): Template => [{ type: ck.CKA_EC_PARAMS, value: Buffer.from(hex, 'hex') }]
  const rsa = (bits: number): Kind => ({
    mechanism: ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
    parameters: [
      [
        { type: ck.CKA_MODULUS_BITS, value: bits },
        { type: ck.CKA_PUBLIC_EXPONENT, value: Buffer.of(1, 0, 1) },
      ],
    ],
  })
  switch (algorithm) {
    case 'P-256':
      return { mechanism: ck.CKM_EC_KEY_PAIR_GEN, parameters: [curve('06082a8648ce3d030107')] }
    case 'P-384':
      return { mechanism: ck.CKM_EC_KEY_PAIR_GEN, parameters: [curve('06052b81040022')] }
    case 'Ed25519':
      return {
        mechanism: ckMore.CKM_EC_EDWARDS_KEY_PAIR_GEN,
        // The OBJECT IDENTIFIER of RFC 8410, and the PrintableString "edwards25519" of PKCS #11 3.0.
        parameters: [curve('06032b6570'), curve('130c656477617264733235353139')],
      }
    case 'RSA-2048':
    case 'RSA-3072':
    case 'RSA-4096':
      return rsa(Number(algorithm.slice(4)))
    default:
      return undefined
  }
}

function generate({ p11, ck }: Module, session: Handle, kind: Kind, label: string, id: Buffer): void {
  const named: Template = [
    { type: ck.CKA_TOKEN, value: true },
    { type: ck.CKA_LABEL, value: label },
    { type: ck.CKA_ID, value: id },
  ]
  const privateKey: Template = [
    ...named,
    { type: ck.CKA_PRIVATE, value: true },
    { type: ck.CKA_SENSITIVE, value: true },
    { type: ck.CKA_EXTRACTABLE, value: false },
    { type: ck.CKA_SIGN, value: true },
    // What a key is not for, it must not be usable for: tokens default to all.
    { type: ck.CKA_DECRYPT, value: false },
    { type: ck.CKA_UNWRAP, value: false },
    { type: ck.CKA_DERIVE, value: false },
  ]
  const mechanism: Mechanism = { mechanism: kind.mechanism }
  for (const [index, parameters] of kind.parameters.entries()) {
    const publicKey: Template = [
      ...named,
      ...parameters,
      { type: ck.CKA_PRIVATE, value: false },
      { type: ck.CKA_VERIFY, value: true },
      { type: ck.CKA_ENCRYPT, value: false },
      { type: ck.CKA_WRAP, value: false },
    ]
    try {
      p11.C_GenerateKeyPair(session, mechanism, publicKey, privateKey)
      return
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind === 'refused' && index + 1 < kind.parameters.length) continue
      // A token that is full, gone or read-only says so; anything else is about the kind of key.
      throw failure.kind === 'refused' ? failed('algorithm', failure.reason) : error
    }
  }
}

/** Tokens may take a template and not keep to it. */
function defectOf(module: Module, session: Handle, key: Handle | undefined): string | undefined {
  const { ck } = module
  if (key === undefined) return 'the token does not show the key that it has made'
  const isSafe =
    readFlag(module, session, key, ck.CKA_SENSITIVE) !== false &&
    readFlag(module, session, key, ck.CKA_EXTRACTABLE) !== true
  return isSafe ? undefined : 'the token makes keys that can be extracted'
}
