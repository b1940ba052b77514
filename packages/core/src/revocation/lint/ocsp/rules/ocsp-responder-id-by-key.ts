import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponderIdByKey: OcspLintRule = {
  id: 'ocsp-responder-id-by-key',
  citation: 'RFC 9919 section 3.2.2',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'ResponderID is byKey.',
  // "Newer responders that conform to this profile MUST use the byKey field to represent the ResponderID to reduce the size of the response." Older ones may use byName.
  checkBasic: ({ responderId }) => ('byName' in responderId ? 'ResponderID is byName' : undefined),
}
