import { endianness } from 'node:os'
import type { Handle } from 'pkcs11js'
import { failed, returnValue } from './failure.ts'
import type { Module } from './module.ts'
import type { TokenSelector } from './thread-messages.ts'

/** A token in its slot. */
export interface Token {
  readonly slot: Handle
  /** Label and serial number. */
  readonly identity: string
}

/** The token that is meant. A failure of the kind `token` if there is none, or more than one. */
export function findToken({ p11, ck }: Module, { slot, tokenLabel }: TokenSelector): Token {
  const found: Token[] = []
  for (const handle of p11.C_GetSlotList(true)) {
    if (slot !== undefined && slotNumber(handle) !== slot) continue
    let info: ReturnType<typeof p11.C_GetTokenInfo>
    try {
      info = p11.C_GetTokenInfo(handle)
    } catch (error) {
      // Removed since, or broken: the one that is meant may be another.
      if (returnValue(error) === undefined) throw error
      continue
    }
    if ((info.flags & ck.CKF_TOKEN_INITIALIZED) === 0) continue
    // PKCS #11 pads both with blanks.
    const label = info.label.trimEnd()
    if (tokenLabel !== undefined && label !== tokenLabel) continue
    found.push({ slot: handle, identity: `${label}\n${info.serialNumber.trimEnd()}` })
  }
  if (found[0] === undefined) throw failed('token', `there is no ${wanted(slot, tokenLabel)}`)
  if (found.length > 1) {
    throw failed(
      'token',
      `there are ${found.length} tokens to choose from: say ${tokenLabel === undefined ? 'tokenLabel or ' : ''}slot`,
    )
  }
  return found[0]
}

function wanted(slot: number | undefined, label: string | undefined): string {
  const named = label === undefined ? 'token' : `token ${JSON.stringify(label)}`
  return slot === undefined ? named : `${named} in slot ${slot}`
}

/** A CK_ULONG, as pkcs11js hands it out. */
function slotNumber(handle: Handle): number {
  const octets = Math.min(handle.length, 6)
  return endianness() === 'LE' ? handle.readUIntLE(0, octets) : handle.readUIntBE(handle.length - octets, octets)
}
