import type { Handle, Template } from 'pkcs11js'
import { returnValue } from './failure.ts'
import type { Module } from './module.ts'

/** Handles of the objects that have all of these attributes. */
export function findObjects({ p11 }: Module, session: Handle, attributes: Template): Handle[] {
  p11.C_FindObjectsInit(session, attributes)
  try {
    const found: Handle[] = []
    for (;;) {
      const some = p11.C_FindObjects(session, 32)
      if (some.length === 0) return found
      found.push(...some)
    }
  } finally {
    finishQuietly(() => p11.C_FindObjectsFinal(session))
  }
}

/** An attribute's octets; `undefined` where the object has none or does not show it. */
export function readAttribute({ p11 }: Module, session: Handle, object: Handle, type: number): Buffer | undefined {
  try {
    const [attribute] = p11.C_GetAttributeValue(session, object, [{ type }])
    return Buffer.isBuffer(attribute?.value) && attribute.value.length > 0 ? attribute.value : undefined
  } catch (error) {
    if (hidden.has(returnValue(error) ?? '')) return undefined
    throw error
  }
}

/** A CK_BBOOL; `undefined` where the token does not say. */
export function readFlag(module: Module, session: Handle, object: Handle, type: number): boolean | undefined {
  const value = readAttribute(module, session, object, type)
  return value === undefined ? undefined : value[0] !== 0
}

/** A CK_ULONG below 2^32. */
export function readNumber(module: Module, session: Handle, object: Handle, type: number): number | undefined {
  const value = readAttribute(module, session, object, type)
  if (value === undefined || value.length < 4) return undefined
  // Either order of octets has it in four of them, since the others are zero.
  const [first, last] = [value.readUInt32LE(0), value.readUInt32BE(value.length - 4)]
  return isLittleEndian ? first : last
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const hidden: ReadonlySet<string> = new Set([
  'CKR_ATTRIBUTE_TYPE_INVALID',
  'CKR_ATTRIBUTE_SENSITIVE',
  'CKR_ATTRIBUTE_VALUE_INVALID',
])

/** The failure that made it necessary is the one to be heard of. */
function finishQuietly(finish: () => void): void {
  try {
    finish()
  } catch (error) {
    if (returnValue(error) === undefined) throw error
  }
}
