export { readImplicitFlag } from './implicit-flag.ts'
export { objectIdentifier } from './object-identifier.ts'
export { createDerReader, type DerLimits, type DerReader } from './reader.ts'
export { contextTag, derTag } from './tag.ts'
export { generalizedTime, utcTime } from './time.ts'
export { compareEncodings, concat, context, elementHeader, sequence, sequenceOf, set, setOf, tlv } from './tlv.ts'
export {
  bitString,
  boolean,
  enumerated,
  ia5String,
  integer,
  nullValue,
  octetString,
  printableString,
  utf8String,
} from './writer.ts'
