import { parseName } from '@fleetcert/x509'
import { contextTag, type DerReader, derTag } from '@fleetcert/x509/der'
import { comparableRdns } from './comparable-name.ts'

/** The forms of GeneralName (RFC 5280 section 4.2.1.6) by their tag numbers. */
export const generalNameForm = {
  otherName: 0,
  rfc822Name: 1,
  dNSName: 2,
  x400Address: 3,
  directoryName: 4,
  ediPartyName: 5,
  uniformResourceIdentifier: 6,
  iPAddress: 7,
  registeredID: 8,
} as const

/** A GeneralName as it stands: which form, and the octets of its content. */
export interface RawGeneralName {
  /** The tag number. */
  readonly form: number
  /** Of a directoryName the Name, DER; of the others what the tag holds. */
  readonly content: Uint8Array
}

/** The next element as a GeneralName. What is in it is not judged. */
export function readRawGeneralName(reader: DerReader): RawGeneralName {
  const tag = reader.peekTag() ?? 0
  const form = tag & 0x1f
  if (tag === contextTag(generalNameForm.directoryName, true)) {
    reader.enter(tag)
    const content = reader.element(derTag.sequence)
    reader.leave()
    return { form, content }
  }
  const isConstructed = form === 0 || form === 3 || form === 5
  if (form > 8 || form === 4 || tag !== contextTag(form, isConstructed)) {
    reader.element()
    throw reader.error('not a GeneralName')
  }
  return { form, content: isConstructed ? reader.element() : reader.content(tag) }
}

/** GeneralNames up to the end of the open element; at least one. */
export function readRawGeneralNames(reader: DerReader): RawGeneralName[] {
  const names: RawGeneralName[] = []
  do names.push(readRawGeneralName(reader))
  while (!reader.atEnd)
  return names
}

/** The text of a name in ASCII; `undefined` for anything else, and for text with a NUL, which some take for its end. */
export function asciiOf(content: Uint8Array): string | undefined {
  for (const octet of content) if (octet === 0 || octet >= 0x80) return undefined
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')
}

/** A form in which equal names are equal strings: directory names as RFC 5280 section 7.1 compares them, the others octet by octet. */
export function comparableGeneralName({ form, content }: RawGeneralName): string {
  if (form === generalNameForm.directoryName) return `4:${comparableRdns(parseName(content)).join('\n')}`
  return `${form}:${Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')}`
}
