import type { DenyReason } from './deny-reason.ts'
import { anyClientId } from './unsafe.ts'

/**
 * Which client ids go with a device's certificate. `prefix`: the device id, or `<device id>/<anything>` for tools beside the device; `exact`: the device id alone.
 * Anything goes only by the symbol `anyClientId` of `@fleetcert/emqx-auth/unsafe`.
 */
export type IdentityBinding = 'prefix' | 'exact' | typeof anyClientId

/** Judges a client id; `undefined` if it is bound to the device. */
export type ClientIdCheck = (clientId: string, deviceId: string) => DenyReason | undefined

// C0, DEL and C1: never in a client id that a person chose, and poison for logs and for the broker's own REST paths.
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/

/** @throws TypeError for a binding that does not exist. */
export function compileBinding(bind: IdentityBinding): ClientIdCheck {
  if (bind === anyClientId) return () => undefined
  if (bind !== 'prefix' && bind !== 'exact') throw new TypeError('"bind" must be "prefix" or "exact"')
  return (clientId, deviceId) => {
    if (clientId === '') return 'clientIdEmpty'
    if (deviceId !== '' && clientId === deviceId) return undefined
    if (bind === 'exact' || controlCharacters.test(clientId) || !clientId.isWellFormed()) return 'clientIdNotBound'
    // No device id holds a `/`, so `<device id>/…` cannot be the client id, or the prefix of one, of another device.
    const slash = clientId.indexOf('/')
    const bound = slash > 0 && slash < clientId.length - 1 && clientId.slice(0, slash) === deviceId
    return bound ? undefined : 'clientIdNotBound'
  }
}
