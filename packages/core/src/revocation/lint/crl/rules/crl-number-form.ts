import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlNumberForm: CrlLintRule = {
  id: 'crl-number-form',
  citation: 'RFC 5280 section 5.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'cRLNumber, and BaseCRLNumber of a delta CRL, is not negative and has at most 20 octets.',
  // "CRLNumber ::= INTEGER (0..MAX)" "Conforming CRL issuers MUST NOT use CRLNumber values longer than 20 octets."
  check({ extensions = [] }) {
    for (const oid of [extensionOids.crlNumber, extensionOids.deltaCrlIndicator]) {
      const value = findRaw(extensions, oid)?.value
      const octets = value && readWhole(value, reader => reader.integerOctets())
      if (octets === undefined) continue
      if (octets[0]! >= 0x80) return 'a CRL number is negative'
      if (octets.length > 20) return `a CRL number has ${octets.length} octets`
    }
    return undefined
  },
}
