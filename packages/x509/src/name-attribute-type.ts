import { objectIdentifier } from './der/object-identifier.ts'

/** What is known of an attribute type: its short name, and how its values are written. @internal */
export interface NameAttributeType {
  readonly name: string
  readonly oid: string
  /** The OID, DER. */
  readonly der: Uint8Array
  /** In characters. */
  readonly maxLength: number
  readonly encoding: 'utf8String' | 'printableString' | 'ia5String'
  /** Exactly so many characters. */
  readonly length?: number
}

// Bounds: RFC 5280 appendix A.1 (ub-…), X.520 for what RFC 5280 does not name, RFC 4524 for UID. Short names: RFC 4519 and openssl.
const nameAttributeTypes: readonly NameAttributeType[] = [
  directoryString('CN', '2.5.4.3', 64),
  directoryString('SN', '2.5.4.4', 32768),
  printable('serialNumber', '2.5.4.5', 64),
  { ...printable('C', '2.5.4.6', 2), length: 2 },
  directoryString('L', '2.5.4.7', 128),
  directoryString('ST', '2.5.4.8', 128),
  directoryString('street', '2.5.4.9', 128),
  directoryString('O', '2.5.4.10', 64),
  directoryString('OU', '2.5.4.11', 64),
  directoryString('title', '2.5.4.12', 64),
  directoryString('description', '2.5.4.13', 1024),
  directoryString('businessCategory', '2.5.4.15', 128),
  directoryString('postalCode', '2.5.4.17', 40),
  directoryString('name', '2.5.4.41', 32768),
  directoryString('givenName', '2.5.4.42', 32768),
  directoryString('initials', '2.5.4.43', 32768),
  directoryString('generationQualifier', '2.5.4.44', 32768),
  printable('dnQualifier', '2.5.4.46', 64),
  directoryString('pseudonym', '2.5.4.65', 128),
  directoryString('organizationIdentifier', '2.5.4.97', 256),
  ia5('emailAddress', '1.2.840.113549.1.9.1', 255),
  directoryString('UID', '0.9.2342.19200300.100.1.1', 256),
  ia5('DC', '0.9.2342.19200300.100.1.25', 63),
]

const byName = new Map(nameAttributeTypes.map(type => [type.name, type]))
const byOid = new Map(nameAttributeTypes.map(type => [type.oid, type]))

/** By short name or dotted OID. @internal */
export function findNameAttributeType(nameOrOid: string): NameAttributeType | undefined {
  return byName.get(nameOrOid) ?? byOid.get(nameOrOid)
}

function directoryString(name: string, oid: string, maxLength: number): NameAttributeType {
  // RFC 5280 section 4.1.2.4: "CAs MUST use either PrintableString or UTF8String", save for continuity.
  return { name, oid, der: objectIdentifier(oid), maxLength, encoding: 'utf8String' }
}

function printable(name: string, oid: string, maxLength: number): NameAttributeType {
  return { name, oid, der: objectIdentifier(oid), maxLength, encoding: 'printableString' }
}

function ia5(name: string, oid: string, maxLength: number): NameAttributeType {
  return { name, oid, der: objectIdentifier(oid), maxLength, encoding: 'ia5String' }
}
