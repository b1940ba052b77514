import { extendedKeyUsageOids, extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const timeStampingAlone: LintRule = {
  id: 'time-stamping-alone',
  citation: 'RFC 3161 section 2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'timeStamping is the only purpose, in a critical extendedKeyUsage.',
  // "The corresponding certificate MUST contain only one instance of the extended key usage field extension … with KeyPurposeID having value: id-kp-timeStamping. This extension MUST be critical."
  check(certificate, { isCa }) {
    const { extendedKeyUsage } = certificate
    if (isCa || !extendedKeyUsage?.includes(extendedKeyUsageOids.timeStamping)) return undefined
    return extendedKeyUsage.length === 1 && extensionOf(certificate, extensionOids.extendedKeyUsage)?.critical === true
      ? undefined
      : 'timeStamping beside another purpose, or not critical'
  },
}
