import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponderIdForm: OcspLintRule = {
  id: 'ocsp-responder-id-form',
  citation: 'RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A KeyHash has 20 octets.',
  // "KeyHash ::= OCTET STRING -- SHA-1 hash of responder's public key (excluding the tag and length fields)"
  checkBasic: ({ responderId }) =>
    'byKey' in responderId && responderId.byKey.length !== 20
      ? `a KeyHash of ${responderId.byKey.length} octets`
      : undefined,
}
