import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../raw-extension.ts'
import { readWhole } from '../raw-fields.ts'
import type { CrlEntryView } from './crl-view.ts'

/** The number in an entry's reasonCode (RFC 5280 section 5.3.1); `undefined` without one. */
export function reasonOf({ extensions }: CrlEntryView): number | 'malformed' | undefined {
  const value = extensions && findRaw(extensions, extensionOids.reasonCode)?.value
  if (value === undefined) return undefined
  // ENUMERATED of one octet: nearly every entry of a large CRL.
  if (value.length === 3 && value[0] === 0x0a && value[1] === 1 && value[2]! < 0x80) return value[2]!
  return readWhole(value, reader => reader.enumerated()) ?? 'malformed'
}
