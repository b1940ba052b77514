import type { LintRule } from '../lint-rule.ts'

export const version3: LintRule = {
  id: 'version-3',
  citation: 'RFC 5280 section 4.1.2.1',
  // "When extensions are used, as expected in this profile, version MUST be 3 (value is 2)."
  check: certificate => (certificate.version === 3 ? undefined : `the version is ${certificate.version}, not 3`),
}
