import { isIP } from 'node:net'
import { domainToUnicode } from 'node:url'

const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
const urn = /^urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:./i
const uuidUrn = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/
// RFC 3986 section 2: unreserved, reserved, and complete percent-encodings.
const uriCharacters = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const bracketedHost = /^[^:/?#]+:\/\/(?:[^/?#]*@)?\[/
const dotString = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const quotedString = /^"(?:[ !#-[\]-~]|\\[ -~])*"$/

/** A DNS name in preferred name syntax (RFC 1034 section 3.5, RFC 1123 section 2.1): letters, digits and hyphens, no trailing dot. */
export function isDnsName(text: string): boolean {
  if (text.length > 253) return false
  return text.split('.').every(part => label.test(part))
}

/** Whether the labels with hyphens in third and fourth place, which are reserved, are A-labels that decode (RFC 5890 section 2.3.1). */
export function hasOnlyALabels(dnsName: string): boolean {
  return !dnsName.includes('--') || dnsName.split('.').every(part => part.slice(2, 4) !== '--' || isALabel(part))
}

function isALabel(text: string): boolean {
  // Decoding takes time quadratic in the length, which no real label exceeds.
  return text.length <= 63 && text.slice(0, 2).toLowerCase() === 'xn' && domainToUnicode(text) !== ''
}

/** A URN: namespace and specific string (RFC 8141 section 2); of the namespace `uuid`, a UUID (RFC 9562 section 4). */
export function isUrn(text: string): boolean {
  return /^urn:uuid:/i.test(text) ? uuidUrn.test(text) : urn.test(text)
}

/** An absolute URI with a scheme-specific part (RFC 3986). With an authority, its host is a DNS name or an IP address. */
export function isAbsoluteUri(text: string): boolean {
  const found = scheme.exec(text)
  if (found === null) return false
  const rest = text.slice(found[0].length)
  if (!uriCharacters.test(rest)) return false
  const host = hostOfUri(text)
  if (host === undefined) return true
  return bracketedHost.test(text) ? isIP(host) === 6 : isDnsName(host)
}

/** The host of a URI with an authority, without the brackets of IPv6; `undefined` for a URI without authority, such as a URN. */
export function hostOfUri(text: string): string | undefined {
  const authority = /^[^:/?#]+:\/\/([^/?#]*)/.exec(text)?.[1]
  if (authority === undefined) return undefined
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  return /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')
}

/** A Mailbox (RFC 5321 section 4.1.2) in ASCII: dot-string or quoted string, `@`, DNS name or address literal. */
export function isMailbox(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || at > 64 || text.length > 255) return false
  const local = text.slice(0, at)
  const domain = text.slice(at + 1)
  return (dotString.test(local) || quotedString.test(local)) && (isDnsName(domain) || isAddressLiteral(domain))
}

function isAddressLiteral(domain: string): boolean {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return false
  const address = domain.slice(1, -1)
  return isIP(address) === 4 || (address.startsWith('IPv6:') && isIP(address.slice(5)) === 6)
}
