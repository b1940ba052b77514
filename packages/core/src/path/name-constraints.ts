import { parseName } from '@fleetcert/x509'
import { contextTag, createDerReader, type DerReader, derTag } from '@fleetcert/x509/der'
import { comparableRdns } from './comparable-name.ts'
import { asciiOf, generalNameForm, type RawGeneralName, readRawGeneralName } from './general-names.ts'

/** The base of a GeneralSubtree, ready to be compared. */
export type Subtree =
  | { readonly form: 'dns' | 'uri'; readonly host: string }
  | { readonly form: 'email'; readonly localPart: string | undefined; readonly host: string }
  | { readonly form: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly form: 'directory'; readonly rdns: readonly string[] }
  /** Of a form that cannot be compared here, by its tag number. */
  | { readonly form: 'other'; readonly tagNumber: number }

/** RFC 5280 section 4.2.1.10. */
export interface NameConstraints {
  /** Absent: none were given. */
  readonly permitted?: readonly Subtree[]
  readonly excluded?: readonly Subtree[]
}

/**
 * The value of a NameConstraints extension.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_NAME`, also for constraints that nobody can apply: a `minimum` or `maximum`, a mask with holes, a host that is none
 */
export function parseNameConstraints(value: Uint8Array): NameConstraints {
  const reader = createDerReader(value)
  reader.enter(derTag.sequence)
  const permitted = readSubtrees(reader, contextTag(0, true))
  const excluded = readSubtrees(reader, contextTag(1, true))
  // "Conforming CAs MUST NOT issue certificates where name constraints is an empty sequence".
  if (permitted === undefined && excluded === undefined) throw reader.error('empty name constraints')
  reader.leave()
  reader.finish()
  return { ...(permitted === undefined ? {} : { permitted }), ...(excluded === undefined ? {} : { excluded }) }
}

function readSubtrees(reader: DerReader, tag: number): Subtree[] | undefined {
  if (reader.peekTag() !== tag) return undefined
  const subtrees: Subtree[] = []
  reader.enter(tag)
  do {
    reader.enter(derTag.sequence)
    const base = readRawGeneralName(reader)
    // "the minimum MUST be zero, and maximum MUST be absent." Zero spelled out is read: some CAs do that.
    if (reader.peekTag() === contextTag(0, false) && reader.smallInteger(contextTag(0, false)) !== 0) {
      throw reader.error('a minimum that is not zero')
    }
    if (!reader.atEnd) throw reader.error('a maximum')
    reader.leave()
    const subtree = toSubtree(base)
    if (subtree === undefined) throw reader.error('a name constraint that cannot be applied')
    subtrees.push(subtree)
  } while (!reader.atEnd)
  reader.leave()
  return subtrees
}

function toSubtree({ form, content }: RawGeneralName): Subtree | undefined {
  switch (form) {
    case generalNameForm.dNSName: {
      const host = hostOf(content)
      return host === undefined ? undefined : { form: 'dns', host }
    }
    case generalNameForm.uniformResourceIdentifier: {
      const host = hostOf(content)
      // "the constraint applies to the host part of the name. The constraint MUST be specified as a fully qualified domain name".
      return host === undefined || host === '' ? undefined : { form: 'uri', host }
    }
    case generalNameForm.rfc822Name:
      return toMailSubtree(asciiOf(content))
    case generalNameForm.iPAddress: {
      const half = content.length / 2
      if (half !== 4 && half !== 16) return undefined
      const mask = content.subarray(half)
      return isPrefixMask(mask) ? { form: 'ip', address: content.subarray(0, half), mask } : undefined
    }
    case generalNameForm.directoryName:
      return { form: 'directory', rdns: comparableRdns(parseName(content)) }
    default:
      return { form: 'other', tagNumber: form }
  }
}

/** "a particular mailbox, all addresses at a particular host, or all mailboxes in a domain". */
function toMailSubtree(text: string | undefined): Subtree | undefined {
  if (text === undefined) return undefined
  const at = text.lastIndexOf('@')
  if (at !== -1 && !isLocalPart(text.slice(0, at))) return undefined
  const host = text.slice(at + 1).toLowerCase()
  if (!isHost(at === -1 && host.startsWith('.') ? host.slice(1) : host)) return undefined
  return { form: 'email', localPart: at === -1 ? undefined : text.slice(0, at), host }
}

/** A host, or a dot and a host; empty stands for all. */
function hostOf(content: Uint8Array): string | undefined {
  const text = asciiOf(content)?.toLowerCase()
  if (text === undefined || text === '') return text
  return isHost(text.startsWith('.') ? text.slice(1) : text) ? text : undefined
}

/** Labels of letters, digits, hyphens and underscores, which are in use. No trailing dot. */
export function isHost(text: string): boolean {
  return text.length <= 253 && text.split('.').every(label => label.length <= 63 && /^[a-z0-9_-]+$/.test(label))
}

/** Dot-string (RFC 5321 section 4.1.2). Quoted-string, in which a mailbox has many spellings, cannot be compared. */
export function isLocalPart(text: string): boolean {
  return text.length <= 64 && /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+$/i.test(text)
}

/** "the style of RFC 4632 (CIDR)": ones, then zeros. */
function isPrefixMask(mask: Uint8Array): boolean {
  let ended = false
  for (const octet of mask) {
    if (ended ? octet !== 0 : ![0, 128, 192, 224, 240, 248, 252, 254, 255].includes(octet)) return false
    if (octet !== 255) ended = true
  }
  return true
}
