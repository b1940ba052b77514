import type { LintRule } from '../lint-rule.ts'

export const emailInSubject: LintRule = {
  id: 'email-in-subject',
  citation: 'RFC 5280 section 4.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A mail address in the subject is in subjectAltName too.',
  // "Conforming implementations generating new certificates with electronic mail addresses MUST use the rfc822Name in the subject alternative name extension"
  check({ subject, subjectAltName }) {
    const isThere = subject.some(rdn => rdn.some(({ type }) => type === 'emailAddress'))
    return isThere && subjectAltName?.some(({ type }) => type === 'email') !== true
      ? 'a mail address is in the subject alone'
      : undefined
  },
}
