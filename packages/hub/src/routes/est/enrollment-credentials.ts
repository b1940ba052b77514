import { PkiError } from '@fleetcert/core'
import { bearerCredential } from '../../caller/bearer-credential.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Who enrols with a token: `deviceId` is absent with a bearer token, which does not say whose it is. */
export interface EnrollmentCredentials {
  readonly deviceId?: string
  readonly token: string
}

/**
 * The token of an Authorization header: `Basic` (RFC 7617), as RFC 7030 section 3.2.3 has it, with the device id as user and the token as password, or `Bearer`. `undefined` without the header.
 * @throws PkiError `ERR_PKI_FORBIDDEN` for any other header
 */
export function enrollmentCredentials(authorization: string | undefined): EnrollmentCredentials | undefined {
  if (authorization === undefined) return undefined
  const bearer = bearerCredential(authorization)
  if (bearer !== undefined) return { token: bearer }
  const encoded = /^basic +([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(authorization)?.[1]
  const text = encoded === undefined ? '' : decoded(encoded)
  // RFC 7617 section 2: the user name is up to the first colon, and a device id may have colons. No token has one.
  const colon = text.lastIndexOf(':')
  if (colon < 1 || colon === text.length - 1) throw new PkiError('ERR_PKI_FORBIDDEN', {})
  return { deviceId: text.slice(0, colon), token: text.slice(colon + 1) }
}

function decoded(base64: string): string {
  try {
    return utf8.decode(Buffer.from(base64, 'base64'))
  } catch {
    return ''
  }
}
