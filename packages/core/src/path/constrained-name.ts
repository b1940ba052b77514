import { type Certificate, extensionOids, parseName } from '@fleetcert/x509'
import { createDerReader, derTag } from '@fleetcert/x509/der'
import { readOtherName } from '../authority/lint/other-name.ts'
import type { Candidate } from './candidate.ts'
import { comparableRdns } from './comparable-name.ts'
import { asciiOf, generalNameForm, type RawGeneralName, readRawGeneralNames } from './general-names.ts'
import { isHost, isLocalPart } from './name-constraints.ts'

/** A name of a certificate that name constraints are applied to. `unusable`: of the form, but no constraint can be applied to it. */
export type ConstrainedName =
  | { readonly form: 'dns' | 'uri'; readonly host: string }
  | { readonly form: 'email'; readonly localPart: string; readonly host: string }
  | { readonly form: 'ip'; readonly address: Uint8Array }
  | { readonly form: 'directory'; readonly rdns: readonly string[] }
  | { readonly form: 'other'; readonly tagNumber: number }
  | { readonly form: 'unusable'; readonly of: 'dns' | 'uri' | 'email' }

/** All names of a certificate, one by one: a limit stops whoever has too many. */
export function* constrainedNames(candidate: Candidate, isEndEntity: boolean): Generator<ConstrainedName> {
  const { certificate } = candidate
  // "applied to the subject field in the certificate (when the certificate includes a non-empty subject field)" (RFC 5280 section 4.2.1.10).
  if (certificate.subject.length > 0) yield { form: 'directory', rdns: comparableRdns(certificate.subject) }
  yield* mailAddressesOf(certificate)
  const value = candidate.extension(extensionOids.subjectAltName)
  let hasDnsName = false
  if (value !== undefined) {
    const reader = createDerReader(value)
    reader.enter(derTag.sequence)
    for (const name of readRawGeneralNames(reader)) {
      if (name.form === generalNameForm.dNSName) hasDnsName = true
      yield toConstrainedName(name)
      if (name.form === generalNameForm.otherName) yield* mailboxOf(name)
    }
  }
  if (isEndEntity && !hasDnsName) yield* hostsInCommonNames(certificate)
}

/** Addresses in the subject: "the rfc822Name constraint MUST be applied to the attribute of type emailAddress in the subject distinguished name". */
function* mailAddressesOf({ subject }: Certificate): Generator<ConstrainedName> {
  for (const { type, value } of subject.flat()) if (type === 'emailAddress') yield toMailName(value)
}

/** RFC 9525 has no host names in common names, but clients in the field take them there (mbedTLS and openssl, where there is no dNSName), so a CA must not get around its constraints that way. */
function* hostsInCommonNames({ subject }: Certificate): Generator<ConstrainedName> {
  for (const { type, value, encoding } of subject.flat()) {
    if (type !== 'CN' || encoding === 'other') continue
    const host = value.toLowerCase().replace(/\.$/, '')
    if (host.includes('.') && isHost(withoutWildcard(host))) yield { form: 'dns', host }
  }
}

function toConstrainedName({ form, content }: RawGeneralName): ConstrainedName {
  switch (form) {
    case generalNameForm.dNSName: {
      const host = asciiOf(content)?.toLowerCase()
      return host !== undefined && isHost(withoutWildcard(host))
        ? { form: 'dns', host }
        : { form: 'unusable', of: 'dns' }
    }
    case generalNameForm.uniformResourceIdentifier: {
      const host = hostOfUri(asciiOf(content))
      return host === undefined ? { form: 'unusable', of: 'uri' } : { form: 'uri', host }
    }
    case generalNameForm.rfc822Name:
      return toMailName(asciiOf(content))
    case generalNameForm.iPAddress:
      return { form: 'ip', address: content }
    case generalNameForm.directoryName:
      return { form: 'directory', rdns: comparableRdns(parseName(content)) }
    default:
      return { form: 'other', tagNumber: form }
  }
}

/**
 * "If a constraint is applied to the uniformResourceIdentifier name form and a subsequent certificate includes … a URI that does not include an authority component with a host name specified
 * as a fully qualified domain name (e.g., if the URI either does not include an authority component or includes an authority component in which the host name is specified as an IP address),
 * then the application MUST reject the certificate."
 */
function hostOfUri(text: string | undefined): string | undefined {
  // The characters of RFC 3986 alone: a backslash is a slash to browsers, and ends the host elsewhere.
  if (text === undefined || !/^[!#-;=?-Z[\]_a-z~%]+$/i.test(text)) return undefined
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1]
  if (authority === undefined) return undefined
  // RFC 3986 section 3.2: [ userinfo "@" ] host [ ":" port ]
  const host = /^(?:[^@]*@)?([^@:]*)(?::[0-9]*)?$/.exec(authority)?.[1]?.toLowerCase()
  return host !== undefined && isHost(host) && !/^[0-9.]+$/.test(host) ? host : undefined
}

function toMailName(text: string | undefined): ConstrainedName {
  const at = text === undefined ? -1 : text.lastIndexOf('@')
  const host = text?.slice(at + 1).toLowerCase()
  const localPart = text?.slice(0, Math.max(at, 0))
  if (localPart === undefined || host === undefined || !isLocalPart(localPart) || !isHost(host)) {
    return { form: 'unusable', of: 'email' }
  }
  return { form: 'email', localPart, host }
}

const smtpUtf8MailboxOid = '1.3.6.1.5.5.7.8.9'

/** RFC 9598 section 6: constraints on rfc822Name bind SmtpUTF8Mailbox, too, or a CA would get around them with one letter outside of ASCII. */
function* mailboxOf({ content }: RawGeneralName): Generator<ConstrainedName> {
  const { typeId, value } = readOtherName(content)
  if (typeId !== smtpUtf8MailboxOid) return
  const reader = createDerReader(value)
  const mailbox = Buffer.from(reader.content(reader.peekTag() ?? derTag.utf8String)).toString()
  const at = mailbox.lastIndexOf('@')
  const host = mailbox.slice(at + 1).toLowerCase()
  // "the domain part … MUST be … A-labels" (section 3).
  yield at > 0 && isHost(host)
    ? { form: 'email', localPart: mailbox.slice(0, at), host }
    : { form: 'unusable', of: 'email' }
}

function withoutWildcard(host: string): string {
  return host.startsWith('*.') ? host.slice(2) : host
}
