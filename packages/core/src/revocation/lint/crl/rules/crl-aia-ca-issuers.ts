import { extensionOids } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import { findRaw } from '../../raw-extension.ts'
import { fieldsOf, readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

const idAdCaIssuers = '1.3.6.1.5.5.7.48.2'

export const crlAiaCaIssuers: CrlLintRule = {
  id: 'crl-aia-ca-issuers',
  citation: 'RFC 5280 section 5.2.7',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityInfoAccess holds caIssuers, and nothing else.',
  // "this extension MUST include at least one AccessDescription specifying id-ad-caIssuers as the accessMethod." "Access method types other than id-ad-caIssuers MUST NOT be included."
  check({ extensions = [] }) {
    const value = findRaw(extensions, extensionOids.authorityInfoAccess)?.value
    for (const { der } of (value && fieldsOf(value)) ?? []) {
      if (methodOf(der) !== idAdCaIssuers) return 'another access method than caIssuers'
    }
    return undefined
  },
}

function methodOf(accessDescription: Uint8Array): string | undefined {
  return readWhole(accessDescription, reader => {
    reader.enter(derTag.sequence)
    const method = reader.objectIdentifier()
    reader.element()
    reader.leave()
    return method
  })
}
