import { findRaw } from '../../raw-extension.ts'
import { readWhole } from '../../raw-fields.ts'
import { nonceOid } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspNonceForm: OcspLintRule = {
  id: 'ocsp-nonce-form',
  citation: 'RFC 9654 section 2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A nonce is an OCTET STRING of 1 to 128 octets inside extnValue.',
  // "Nonce ::= OCTET STRING(SIZE(1..128))"
  checkBasic({ extensions = [] }) {
    const value = findRaw(extensions, nonceOid)?.value
    if (value === undefined) return undefined
    const nonce = readWhole(value, reader => reader.octetString())
    if (nonce === undefined) return 'a nonce that is no OCTET STRING'
    return nonce.length >= 1 && nonce.length <= 128 ? undefined : `a nonce of ${nonce.length} octets`
  },
}
