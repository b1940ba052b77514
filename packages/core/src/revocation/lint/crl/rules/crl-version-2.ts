import type { CrlLintRule } from '../crl-rule.ts'

export const crlVersion2: CrlLintRule = {
  id: 'crl-version-2',
  citation: 'RFC 5280 section 5.1.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The version is 2.',
  // "When extensions are used, as required by this profile, this field MUST be present and MUST specify version 2 (the integer value is 1)."
  check({ version }) {
    if (version === 1) return undefined
    return version === undefined ? 'there is no version, so it is 1' : 'the version is not 2'
  },
}
