import type { DenyReason } from './deny-reason.ts'
import { anyClientId } from './unsafe.ts'

/**
 * Which client ids go with a device's certificate. `prefix`: the device id, or `<device id>/<anything>` for tools beside the device; `exact`: the device id alone.
 * Anything goes only by the symbol `anyClientId` of `@fleetcert/emqx-auth/unsafe`.
 */
export type ClientIdBinding = 'prefix' | 'exact' | typeof anyClientId

/** Which user names go with a device's certificate. `ignored`: all, none of our rules looks at it. `deviceId`: the device id. `deviceIdOrNone`: the device id, or none. */
export type UsernameBinding = 'ignored' | 'deviceId' | 'deviceIdOrNone'

/** How what a client calls itself is tied to its certificate: one word for the client id, or both. */
export type IdentityBinding =
  | ClientIdBinding
  | {
      /** Default `prefix`. */
      readonly clientId?: ClientIdBinding
      /** Default `ignored`. */
      readonly username?: UsernameBinding
    }

/** A binding that was checked. */
export interface CompiledBinding {
  /** Judges what a client calls itself; `undefined` if it is bound to the device. Given the device `''`: what is refused whoever the device is. */
  check(client: { readonly clientId: string; readonly username?: string }, deviceId: string): DenyReason | undefined
  /** The one device whose client id this can be; `undefined` where any client id goes with any device. */
  deviceOf(clientId: string): string | undefined
}

type ClientIdCheck = (clientId: string, deviceId: string) => DenyReason | undefined

// C0, DEL and C1: never in a client id that a person chose, and poison for logs and for the broker's own REST paths.
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/

/** @throws TypeError for a binding that does not exist. */
export function compileBinding(bind: IdentityBinding): CompiledBinding {
  const { clientId = 'prefix', username = 'ignored' } =
    typeof bind === 'object' && bind !== null ? bind : { clientId: bind }
  const checkClientId = compileClientId(clientId)
  if (username !== 'ignored' && username !== 'deviceId' && username !== 'deviceIdOrNone') {
    throw new TypeError('"bind.username" must be "ignored", "deviceId" or "deviceIdOrNone"')
  }
  return {
    check({ clientId, username: given = '' }, deviceId) {
      const refused = checkClientId(clientId, deviceId)
      if (refused !== undefined || username === 'ignored' || deviceId === '') return refused
      return given === deviceId || (given === '' && username === 'deviceIdOrNone') ? undefined : 'usernameNotBound'
    },
    deviceOf: name => (clientId === anyClientId ? undefined : name.split('/', 1)[0]!),
  }
}

function compileClientId(bind: ClientIdBinding): ClientIdCheck {
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
