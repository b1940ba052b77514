import type { LintRule } from '../lint-rule.ts'
import { isAbsoluteUri } from '../name-syntax.ts'

export const uriSyntax: LintRule = {
  id: 'uri-syntax',
  citation: 'RFC 5280 section 4.2.1.6',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'A uniformResourceIdentifier is absolute, has a scheme-specific part, and a host where it has an authority.',
  // "The name MUST NOT be a relative URI, and it MUST follow the URI syntax and encoding rules specified in [RFC3986]. The name MUST include both a scheme (e.g., 'http' or 'ftp') and a scheme-specific-part."
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type === 'uri' && !isAbsoluteUri(name.value)) return 'a uniformResourceIdentifier is not an absolute URI'
    }
    return undefined
  },
}
