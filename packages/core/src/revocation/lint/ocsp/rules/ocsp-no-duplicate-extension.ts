import { findTwice } from '../../raw-extension.ts'
import { extensionListsOf } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspNoDuplicateExtension: OcspLintRule = {
  id: 'ocsp-no-duplicate-extension',
  citation: 'RFC 5280 section 4.2, by RFC 6960 section 4.4',
  scope: 'rfc',
  severity: 'error',
  requirement: 'No extension is there twice, neither of the response nor of a SingleResponse.',
  // "This section defines some standard extensions, based on the extension model employed in X.509 version 3 certificates"
  checkBasic(response) {
    for (const extensions of extensionListsOf(response)) {
      const oid = findTwice(extensions)
      if (oid !== undefined) return `the extension ${oid} is there twice`
    }
    return undefined
  },
}
