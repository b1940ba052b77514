import { extensionOids } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import { findRaw } from '../raw-extension.ts'
import { fieldsOf, type RawField } from '../raw-fields.ts'
import type { CrlView } from './crl-view.ts'

/** IssuingDistributionPoint (RFC 5280 section 5.2.5) as it stands. */
export interface RawDistributionPoint {
  readonly fields: readonly RawField[]
  readonly onlyContainsUserCerts: boolean
  readonly onlyContainsCACerts: boolean
  readonly onlyContainsAttributeCerts: boolean
  readonly indirectCrl: boolean
  /** The content of onlySomeReasons, a BIT STRING. */
  readonly onlySomeReasons: Uint8Array | undefined
}

/** `undefined`: there is none, or it is no SEQUENCE. */
export function distributionPointOf({ extensions = [] }: CrlView): RawDistributionPoint | undefined {
  const value = findRaw(extensions, extensionOids.issuingDistributionPoint)?.value
  const fields = value && fieldsOf(value)
  if (fields === undefined) return undefined
  const isSet = (tagNumber: number): boolean =>
    fields.some(({ tag, der }) => tag === contextTag(tagNumber, false) && der[2] !== 0)
  return {
    fields,
    onlyContainsUserCerts: isSet(1),
    onlyContainsCACerts: isSet(2),
    indirectCrl: isSet(4),
    onlyContainsAttributeCerts: isSet(5),
    onlySomeReasons: fields.find(({ tag }) => tag === contextTag(3, false))?.der.subarray(2),
  }
}
