import { contextTag, derTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, elementEnd, offsetBehind } from '../octets.ts'

export const criticalDefault: LintRule = {
  id: 'critical-default',
  citation: 'X.690 section 11.5, by RFC 5280 section 4.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'critical FALSE is not written.',
  // "The encoding of a set value or sequence value shall not include an encoding for any component value which is equal to its default value."
  check(certificate) {
    const { tbsCertificate, extensions } = certificate
    if (extensions.length === 0) return undefined
    let offset = offsetBehind(certificate, certificate.subjectPublicKeyInfo)
    while (tbsCertificate[offset] !== contextTag(3, true)) offset = elementEnd(tbsCertificate, offset)
    // Into [3], then into Extensions.
    offset = contentStart(tbsCertificate, contentStart(tbsCertificate, offset))
    for (let index = 0; index < extensions.length; index++) {
      const behindOid = elementEnd(tbsCertificate, contentStart(tbsCertificate, offset))
      if (tbsCertificate[behindOid] === derTag.boolean && tbsCertificate[behindOid + 2] === 0) {
        return `critical FALSE is written out in the extension ${extensions[index]!.oid}`
      }
      offset = elementEnd(tbsCertificate, offset)
    }
    return undefined
  },
}
