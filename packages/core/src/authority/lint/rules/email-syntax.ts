import type { LintRule } from '../lint-rule.ts'
import { isMailbox } from '../name-syntax.ts'

export const emailSyntax: LintRule = {
  id: 'email-syntax',
  citation: 'RFC 5280 section 4.2.1.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'An rfc822Name is a mail address in ASCII, without phrase or angle brackets.',
  // "The format of an rfc822Name is a 'Mailbox' as defined in Section 4.1.2 of [RFC2821]. … Note that a Mailbox has no phrase (such as a common name) before it, has no comment … and is not surrounded by '<' and '>'."
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type === 'email' && !isMailbox(name.value)) return 'an rfc822Name is not a mail address'
    }
    return undefined
  },
}
