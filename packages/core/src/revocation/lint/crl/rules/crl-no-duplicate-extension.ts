import { findTwice } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlNoDuplicateExtension: CrlLintRule = {
  id: 'crl-no-duplicate-extension',
  citation: 'RFC 5280 section 4.2, whose Extensions CRLs share (section 5.1)',
  scope: 'rfc',
  severity: 'error',
  requirement: 'No extension is there twice, neither of the list nor of an entry.',
  // Said of certificates: "A certificate MUST NOT include more than one instance of a particular extension." Of two CRL numbers nobody could say which one holds either.
  check({ extensions = [] }) {
    const oid = findTwice(extensions)
    return oid === undefined ? undefined : `the extension ${oid} is there twice`
  },
  entries:
    () =>
    ({ extensions = [] }) => {
      const oid = findTwice(extensions)
      return oid === undefined ? undefined : `the extension ${oid} is there twice`
    },
}
