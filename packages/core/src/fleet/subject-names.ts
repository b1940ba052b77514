import { type GeneralName, PkiError } from '@fleetcert/x509'
import { isAbsoluteUri, isMailbox, isUrn } from '../authority/lint/name-syntax.ts'
import { serverNames } from './hosts.ts'

/** A name that the caller adds to SubjectAltName (RFC 5280 section 4.2.1.6). IP addresses in text form. */
export interface SubjectName {
  /** DNS name, IP address, absolute URI, or mail address. */
  readonly type: 'dns' | 'ip' | 'uri' | 'email'
  /** ASCII; internationalized domain names as A-labels (`xn--…`). */
  readonly value: string
}

type AddedName = Extract<GeneralName, { readonly type: SubjectName['type'] }>

const mostNames = 100
const ownNamespace = /^urn:fleetcert:/i

/**
 * Names for SubjectAltName, each once, in one spelling: DNS names and addresses as {@link serverNames} has them, absolute URIs and mail addresses in ASCII.
 * `urn:fleetcert:…` is the fleet's own: nobody gets the name of another device.
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function subjectNames(
  names: readonly SubjectName[] | undefined,
  { wildcards }: { readonly wildcards: boolean },
): AddedName[] {
  if (names === undefined) return []
  if (!Array.isArray(names) || names.length > mostNames) {
    throw refused(`subjectAltName: expected at most ${mostNames} names`)
  }
  const found = new Map<string, AddedName>()
  for (const name of names) {
    const checked = checkName(name, wildcards)
    found.set(`${checked.type}:${checked.value}`, checked)
  }
  return [...found.values()]
}

function checkName(name: SubjectName | null | undefined, wildcards: boolean): AddedName {
  const { type, value } = name ?? {}
  if (typeof value !== 'string') throw refused('subjectAltName: expected { type, value }')
  switch (type) {
    case 'dns':
    case 'ip': {
      const [host] = serverNames([value])
      if (host?.type !== type) throw refused(`subjectAltName: not a name of the type ${type}`)
      if (!wildcards && value.includes('*')) throw refused('subjectAltName: a wildcard is for servers alone')
      return host
    }
    case 'uri':
      if (value.length > 2048 || !isAbsoluteUri(value)) throw refused('subjectAltName: not an absolute URI in ASCII')
      if (ownNamespace.test(value)) throw refused("subjectAltName: urn:fleetcert: is the fleet's own")
      if (/^urn:/i.test(value) && !isUrn(value)) throw refused('subjectAltName: not a URN')
      return { type, value }
    case 'email':
      if (!isMailbox(value)) throw refused('subjectAltName: not a mail address in ASCII')
      return { type, value }
    default:
      throw refused('subjectAltName: expected the types dns, ip, uri and email')
  }
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_NAME', { reason })
}
