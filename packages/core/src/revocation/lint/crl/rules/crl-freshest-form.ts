import { extensionOids } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import { findRaw } from '../../raw-extension.ts'
import { fieldsOf } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlFreshestForm: CrlLintRule = {
  id: 'crl-freshest-form',
  citation: 'RFC 5280 section 5.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The points of freshestCRL have a distributionPoint each, and nothing else.',
  // "However, only the distribution point field is meaningful in this context. The reasons and cRLIssuer fields MUST be omitted from this CRL extension."
  check({ extensions = [] }) {
    const value = findRaw(extensions, extensionOids.freshestCrl)?.value
    for (const { der } of (value && fieldsOf(value)) ?? []) {
      const fields = fieldsOf(der)
      if (fields !== undefined && (fields.length !== 1 || fields[0]!.tag !== contextTag(0, true))) {
        return 'a point of freshestCRL with other fields than distributionPoint'
      }
    }
    return undefined
  },
}
