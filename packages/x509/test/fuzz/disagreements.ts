import { isUtf8 } from 'node:buffer'
import { objectIdentifier } from '../../src/der/index.ts'
import {
  type DistinguishedName,
  type PkiError,
  parseCertificate,
  parseCertificationRequest,
  parsePublicKey,
} from '../../src/index.ts'
import { outcomeOf } from '../support/errors.ts'
import { type DerNode, readTree, siblingLists, writeTree } from './der-tree.ts'

export type Oracle = 'openssl' | 'peculiar'
export type Kind = 'certificate' | 'csr'

/** A kind of input that this package and another reader judge differently, and why that is right. */
export interface DisagreementClass {
  readonly name: string
  readonly why: string
}

interface StricterClass extends DisagreementClass {
  /** Of which reader; of both when absent. */
  readonly oracle?: Oracle
  /** The error code and reason that this package refuses with. */
  readonly refusal: RegExp
  /** What must hold of the input beside. */
  readonly confirm?: (input: Uint8Array, kind: Kind) => boolean
}

interface LaxerClass extends DisagreementClass {
  readonly oracle?: Oracle
  readonly confirm: (input: Uint8Array, kind: Kind) => boolean
}

/** What this package refuses and another accepts. The first that fits counts. */
export const stricter: readonly StricterClass[] = [
  {
    name: 'not DER',
    why: 'X.690 sections 8, 10 and 11: one encoding per value. openssl and asn1js read BER; a certificate with two encodings has two fingerprints.',
    refusal:
      /^ERR_PKI_DER (indefinite length|length not minimal|boolean neither|integer not minimal|empty integer|unused bits not zero|bit string with impossible|empty bit string|null with content|SET OF not in order|constructed form not allowed|primitive form not allowed|default value written out|object identifier arc (not minimal|truncated)|empty object identifier)/,
  },
  {
    name: 'primitive where constructed, or the reverse',
    why: 'X.690 sections 8.9 to 8.12 and 10.2: lists are constructed, strings are not. openssl looks away for SEQUENCE OF and SET OF, and both put strings together from pieces (BER).',
    refusal:
      /^ERR_PKI_DER expected tag 0x(03, found 0x23|04, found 0x24|8., found 0xa.|30, found 0x10|31, found 0x11)$/,
  },
  {
    name: 'octets behind the end',
    why: 'What follows the outermost element is signed by nobody; d2i and asn1js stop reading there.',
    refusal: /^ERR_PKI_DER octets behind the end/,
  },
  {
    name: 'bounds',
    why: 'Depth, size, counts and lengths are bounded so that a stranger cannot ask for much work; no honest input comes near.',
    refusal:
      /^ERR_PKI_TOO_LARGE|^ERR_PKI_DER (nested too deeply|length too large|object identifier (too long|arc too large)|serial number too long|integer out of range|too many extensions)|^ERR_PKI_CSR too many attributes/,
  },
  {
    name: 'tag that no type of X.509 has',
    why: 'High tag numbers and the end-of-contents tag stand in no structure of RFC 5280; others read over them where anything may stand.',
    refusal: /^ERR_PKI_DER tag not allowed/,
  },
  {
    name: 'time',
    why: 'RFC 5280 section 4.1.2.5: seconds, Z, no fractions, days that exist. Others look at the text when asked for the date, or never.',
    refusal: /^ERR_PKI_DER time not in a form/,
  },
  {
    name: 'characters',
    why: 'A string holds what its type allows and no NUL or control characters; others keep the octets unseen.',
    refusal:
      /^ERR_PKI_DER (name attribute|name) with characters|^ERR_PKI_NAME .*(control characters|is empty|longer than|characters long)/,
  },
  {
    name: 'version',
    why: 'Version 1 is the DEFAULT and not written (X.690 section 11.5), extensions need version 3 and unique identifiers 2 (RFC 5280 section 4.1.2.8 and 9), a CSR is of version 0 (RFC 2986).',
    refusal: /^ERR_PKI_CERTIFICATE (version|extensions in|unique identifier)|^ERR_PKI_CSR version/,
  },
  {
    name: 'extension or attribute twice',
    why: 'RFC 5280 section 4.2: "MUST NOT include more than one instance of a particular extension"; for attributes of a CSR alike, and with one value each.',
    refusal:
      /^ERR_PKI_DER extension \S+ twice|^ERR_PKI_CSR (attribute \S+ (twice|with several)|two extension requests)/,
  },
  {
    name: 'wish that would not be granted',
    why: 'A CSR that asks for an unknown extension, or is signed with an algorithm that is not supported, is refused at once. Others leave that to the caller.',
    refusal:
      /^ERR_PKI_CSR (unsupported extension|malformed challengePassword|challengePassword is not)|^ERR_PKI_ALGORITHM/,
  },
  {
    name: 'signature of no whole octets',
    why: 'No signature algorithm makes one. Others ignore the unused-bits octet.',
    refusal: /^ERR_PKI_(CERTIFICATE|CSR) signature of no whole octets/,
  },
  {
    name: 'public key',
    why: 'The key is read with what holds it (RFC 5480, RFC 8410, RFC 3279 section 2.3); others read it when it is used.',
    refusal: /^ERR_PKI_(DER|CERTIFICATE) /,
    confirm: (input, kind) => keyOf(input, kind).some(key => refusalOf(() => parsePublicKey(key)) !== undefined),
  },
  {
    name: 'value of an extension',
    why: 'Extensions with a meaning here are read with what holds them, so that nobody finds them malformed later; others read them when asked.',
    refusal: /^ERR_PKI_/,
    confirm: isInExtensions,
  },
  {
    name: 'empty list of extensions',
    why: 'Extensions is SEQUENCE SIZE (1..MAX) (RFC 5280 section 4.1); openssl counts no elements.',
    refusal: /^ERR_PKI_DER empty list of extensions/,
  },
  {
    name: 'empty SET',
    why: 'RelativeDistinguishedName and the values of an attribute are SET SIZE (1..MAX) (RFC 5280 section 4.1.2.4, RFC 2986 section 4.1); openssl counts no elements.',
    refusal: /^ERR_PKI_DER missing element/,
    confirm: input => siblingLists(readTree(firstElement(input)) ?? []).some(list => list.some(isEmptySet)),
  },
  {
    name: 'no DER inside ANY',
    why: 'Parameters of algorithms and values of attributes may be of any type, but DER they are, to the bottom; openssl keeps what is in a SEQUENCE there unseen.',
    refusal: /^ERR_PKI_DER (element longer|truncated header|missing element)/,
    confirm: input => siblingLists(readTree(firstElement(input), false) ?? []).some(list => list.some(isUnreadable)),
  },
  {
    name: 'extra, missing or other elements',
    oracle: 'peculiar',
    why: 'asn1-schema skips elements behind those it knows, takes absent ones for optional and does not look inside ANY. Every octet counts here, as for openssl.',
    refusal:
      /^ERR_PKI_DER (expected tag|unexpected element|missing element|element longer|truncated header|expected a time|empty list)|^ERR_PKI_DER not a GeneralName/,
  },
]

/** What this package accepts and another refuses. */
export const laxer: readonly LaxerClass[] = [
  {
    name: 'attribute value of an unusual type',
    why: 'AttributeValue is ANY (RFC 5280 section 4.1.2.4), so a name may hold an INTEGER. openssl reads ASN1_PRINTABLE only, which lacks that and VisibleString; asn1js looks into times. Such values are kept as octets and compared by them.',
    confirm: (input, kind) => namesOf(input, kind).some(name => name.flat().some(isNothingForOpenssl)),
  },
  {
    name: 'text that nobody reads',
    why: 'asn1js decodes strings and times wherever they are, newer openssl times: so also in parameters of unknown algorithms and attributes that mean nothing here. Those are octets, never copied into a certificate.',
    confirm: input => siblingLists(readTree(input, false) ?? []).some(list => list.some(isMalformedText)),
  },
]

/** The class of a refusal that `oracle` does not share. */
export function stricterClassOf(input: Uint8Array, kind: Kind, oracle: Oracle, error: PkiError): string | undefined {
  const refusal = textOf(error)
  const fits = stricter.find(
    candidate =>
      (candidate.oracle ?? oracle) === oracle &&
      candidate.refusal.test(refusal) &&
      (candidate.confirm?.(input, kind) ?? true),
  )
  return fits?.name
}

/** The class of an acceptance that `oracle` does not share. */
export function laxerClassOf(input: Uint8Array, kind: Kind, oracle: Oracle): string | undefined {
  return laxer.find(candidate => (candidate.oracle ?? oracle) === oracle && candidate.confirm(input, kind))?.name
}

function namesOf(input: Uint8Array, kind: Kind): readonly DistinguishedName[] {
  if (kind === 'csr') return [parseCertificationRequest(input).subject]
  const { issuer, subject } = parseCertificate(input)
  return [issuer, subject]
}

function isNothingForOpenssl({ encoding, value }: DistinguishedName[number][number]): boolean {
  // BIT STRING and SEQUENCE it takes.
  return encoding === 'visibleString' || (encoding === 'other' && !/^#(03|30)/.test(value))
}

/** The outermost element alone; octets behind it are another matter. */
function firstElement(input: Uint8Array): Uint8Array {
  const octets = input[1]! > 0x80 ? input[1]! & 0x7f : 0
  let length = octets === 0 ? input[1]! : 0
  for (let index = 0; index < octets; index++) length = length * 256 + (input[2 + index] ?? 0)
  return input.subarray(0, 2 + octets + length)
}

function fieldsOf(tree: readonly DerNode[] | undefined): DerNode[] | undefined {
  return tree?.[0]?.children?.[0]?.children
}

/** What may be the SubjectPublicKeyInfo: in front of the attributes of a CSR, behind the subject of a certificate. */
function keyOf(input: Uint8Array, kind: Kind): Uint8Array[] {
  const fields = fieldsOf(readTree(firstElement(input), false)) ?? []
  const at = kind === 'csr' ? 2 : fields[0]?.tag === 0xa0 ? 6 : 5
  const key = fields[at]
  return key === undefined ? [] : [writeTree([key])]
}

/** Whether the refusal is another, or none, as soon as the extensions have numbers that mean nothing. */
function isInExtensions(input: Uint8Array, kind: Kind): boolean {
  const tree = readTree(firstElement(input), false)
  const last = fieldsOf(tree)?.at(-1)
  if (tree === undefined || last?.children === undefined) return false
  const read = kind === 'csr' ? parseCertificationRequest : parseCertificate
  const before = refusalOf(() => read(writeTree(tree)))
  if (kind === 'csr') {
    // The request for them goes altogether.
    last.children = last.children.filter(({ children }) => !children?.[1]?.children?.some(({ tag }) => tag === 0x30))
  } else {
    for (const [index, extension] of (last.children[0]?.children ?? []).entries()) {
      const [oid] = readTree(objectIdentifier(`1.2.3.${index}`))!
      if (extension.children?.[0]?.tag === 0x06) extension.children[0] = oid!
    }
  }
  return refusalOf(() => read(writeTree(tree))) !== before
}

function isUnreadable({ tag, children }: DerNode): boolean {
  return (tag & 0x20) !== 0 && children === undefined
}

/** BMPString and UniversalString of no whole characters, UTF8String and times that are none. */
function isMalformedText({ tag, content }: DerNode): boolean {
  if (tag === 0x1e) return content.length % 2 !== 0
  if (tag === 0x1c) return content.length % 4 !== 0
  if (tag === 0x0c) return !isUtf8(content)
  if (tag !== 0x17 && tag !== 0x18) return false
  return !/^(\d\d)?\d{12}Z$/.test(Buffer.from(content).toString('latin1'))
}

function isEmptySet({ tag, content }: DerNode): boolean {
  return tag === 0x31 && content.length === 0
}

function refusalOf(read: () => unknown): string | undefined {
  const outcome = outcomeOf(read)
  return 'error' in outcome ? textOf(outcome.error) : undefined
}

function textOf({ code, details }: PkiError): string {
  return `${code} ${'reason' in details ? details.reason : ''}`
}
