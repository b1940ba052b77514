import type { LintRule } from '../lint-rule.ts'
import { isDnsName } from '../name-syntax.ts'
import { readOtherName } from '../other-name.ts'

const idOnSmtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9'

export const smtpUtf8Mailbox: LintRule = {
  id: 'smtp-utf8-mailbox',
  citation: 'RFC 9598 section 3',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'An SmtpUTF8Mailbox is a UTF8String whose local part is not all ASCII and whose domain is of lower-case ASCII labels.',
  // An address whose local part is ASCII is an rfc822Name; and unlike RFC 8398, RFC 9598 wants the domain in A-labels.
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'other' || name.tag !== 0) continue
      const { typeId, value } = readOtherName(name.der)
      if (typeId === idOnSmtpUtf8Mailbox && !isUtf8Mailbox(value)) return 'an SmtpUTF8Mailbox that is none'
    }
    return undefined
  },
}

function isUtf8Mailbox(value: Uint8Array): boolean {
  const tagUtf8String = 0x0c
  if (value[0] !== tagUtf8String) return false
  const text = Buffer.from(value)
    .subarray(value.length < 130 ? 2 : 3)
    .toString('utf8')
  const at = text.lastIndexOf('@')
  const domain = text.slice(at + 1)
  return at > 0 && /[^\0-\x7f]/.test(text.slice(0, at)) && isDnsName(domain) && domain === domain.toLowerCase()
}
