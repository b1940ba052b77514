import { isDeviceId, isPkiError, parseCertificate } from '@fleetcert/core'
import type { DenyReason } from './deny-reason.ts'

/** What a broker says of a certificate that it does not show. */
export interface ReportedNames {
  readonly commonName?: string
  /** RFC 4514, the most specific first, as EMQX has it: `CN=device-1,O=Acme`. */
  readonly subject?: string
}

const maximumLength = 4096

/**
 * The one name that a broker reported, if there is one: a device id, the only CN of the subject where that is known too.
 * EMQX joins several CNs by a comma, which is in no device id. Behind a PROXY protocol header it reports the proxy's common name as the subject as well, and has seen no certificate.
 */
export function reportedName({ commonName = '', subject }: ReportedNames): { name: string } | { refused: DenyReason } {
  if (commonName === '') return { refused: 'noCertificate' }
  if (!isDeviceId(commonName)) return { refused: 'nameAmbiguous' }
  if (subject === undefined) return { name: commonName }
  if (subject === commonName) return { refused: 'proxiedName' }
  const names = commonNamesOf(subject)
  return names?.length === 1 && names[0] === commonName ? { name: commonName } : { refused: 'nameAmbiguous' }
}

/**
 * Whether a pinned certificate is the one whose names the broker read in the handshake. Some brokers hand on the certificate as the user name, which a client without a certificate writes itself; its names it cannot.
 * EMQX joins several CNs by a comma, and has an empty text where there is none; a subject that is empty beside it tells of no certificate, unless the certificate's is empty as well.
 */
export function bearsNames(der: Uint8Array | undefined, { commonName, subject }: ReportedNames): boolean {
  if (der === undefined) return false
  try {
    const own = parseCertificate(der).subject.flat()
    const names = own.filter(({ type }) => type === 'CN').map(({ value }) => value)
    if (names.join(',') !== commonName) return false
    return commonName !== '' || subject !== '' || own.length === 0
  } catch (error) {
    if (isPkiError(error)) return false
    throw error
  }
}

/**
 * The values of CN in a distinguished name as text (RFC 4514); `undefined` for what is not one, or longer than 4,096 characters. One pass.
 * "If that UTF-8-encoded Unicode string does not have any of the following characters that need escaping, then that string can be used as the string representation of the value" (section 2.4).
 */
export function commonNamesOf(subject: string): readonly string[] | undefined {
  if (subject.length > maximumLength) return undefined
  const names: string[] = []
  let index = 0
  for (;;) {
    const equals = subject.indexOf('=', index)
    if (equals === -1) return undefined
    const type = subject.slice(index, equals)
    // A descriptor or a dotted OID (section 3).
    if (!/^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)$/.test(type)) return undefined
    const value = readValue(subject, equals + 1)
    if (value === undefined) return undefined
    if (type.toUpperCase() === 'CN' || type === '2.5.4.3') names.push(value.text)
    if (value.end === subject.length) return names
    index = value.end + 1
  }
}

/** A value up to the `,` or `+` that ends it. Octets beyond ASCII are written `\XX`. */
function readValue(subject: string, start: number): { text: string; end: number } | undefined {
  const octets: number[] = []
  let index = start
  for (; index < subject.length; index++) {
    const character = subject[index]!
    if (character === ',' || character === '+') break
    if (character === '\\') {
      const hex = /^[0-9A-Fa-f]{2}$/.test(subject.slice(index + 1, index + 3))
      if (hex) octets.push(Number.parseInt(subject.slice(index + 1, index + 3), 16))
      else if (index + 1 < subject.length && '"+,;<>\\ #='.includes(subject[index + 1]!)) {
        octets.push(subject.charCodeAt(index + 1))
      } else return undefined
      index += hex ? 2 : 1
    } else if ('";<>\0'.includes(character)) {
      return undefined
    } else {
      octets.push(...Buffer.from(String.fromCodePoint(subject.codePointAt(index)!)))
      if (subject.codePointAt(index)! > 0xffff) index += 1
    }
  }
  try {
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(octets)),
      end: index,
    }
  } catch {
    return undefined
  }
}
