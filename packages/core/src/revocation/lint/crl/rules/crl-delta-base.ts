import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'
import type { CrlView } from '../crl-view.ts'

export const crlDeltaBase: CrlLintRule = {
  id: 'crl-delta-base',
  citation: 'RFC 5280 section 5.2.4 (c) and (d)',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The number of a delta CRL is not lower than that of its base.',
  // "The CRL number of the complete CRL is equal to or greater than the BaseCRLNumber specified in the delta CRL." "The CRL number of the complete CRL is less than the CRL number of the delta CRL."
  // The same number: made together with the first full CRL, so there is nothing yet that it could be added to.
  check(crl) {
    const base = numberIn(crl, extensionOids.deltaCrlIndicator)
    const own = numberIn(crl, extensionOids.crlNumber)
    return base === undefined || own === undefined || base <= own
      ? undefined
      : 'the number of a delta CRL is lower than that of its base'
  },
}

function numberIn({ extensions = [] }: CrlView, oid: string): bigint | undefined {
  const value = findRaw(extensions, oid)?.value
  return value && readWhole(value, reader => reader.integer())
}
