import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlEntryInvalidityDateForm: CrlLintRule = {
  id: 'crl-entry-invalidity-date-form',
  citation: 'RFC 5280 section 5.3.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'invalidityDate is a GeneralizedTime with `Z` and seconds, without fractions, whatever its year.',
  // "The GeneralizedTime values included in this field MUST be expressed in Greenwich Mean Time (Zulu), and MUST be specified and interpreted as defined in Section 4.1.2.5.2."
  entries:
    () =>
    ({ extensions = [] }) => {
      const value = findRaw(extensions, extensionOids.invalidityDate)?.value
      return value === undefined || readWhole(value, reader => reader.generalizedTime()) !== undefined
        ? undefined
        : 'invalidityDate is not a GeneralizedTime of RFC 5280'
    },
}
