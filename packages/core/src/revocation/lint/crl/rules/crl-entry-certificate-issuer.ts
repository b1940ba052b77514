import { extensionOids } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'

const tagDirectoryName = 0xa4

export const crlEntryCertificateIssuer: CrlLintRule = {
  id: 'crl-entry-certificate-issuer',
  citation: 'RFC 5280 section 5.3.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'certificateIssuer is critical, holds a directoryName, and stands in indirect CRLs only.',
  // "This CRL entry extension identifies the certificate issuer associated with an entry in an indirect CRL" "Conforming CRL issuers MUST include in this extension the distinguished name (DN) from the issuer field" "CRL issuers MUST mark this extension as critical"
  entries:
    (_crl, { isIndirect }) =>
    ({ extensions = [] }) => {
      const extension = findRaw(extensions, extensionOids.certificateIssuer)
      if (extension === undefined) return undefined
      if (!isIndirect) return 'certificateIssuer in a CRL that is not indirect'
      if (!extension.critical) return 'certificateIssuer is not critical'
      return hasDirectoryName(extension.value) ? undefined : 'certificateIssuer without directoryName'
    },
}

function hasDirectoryName(value: Uint8Array): boolean | undefined {
  return readWhole(value, reader => {
    let found = false
    reader.enter(derTag.sequence)
    while (!reader.atEnd) {
      found ||= reader.peekTag() === tagDirectoryName
      reader.element()
    }
    reader.leave()
    return found
  })
}
