import { extendedKeyUsageOids, type KeyUsageBit } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const { serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, ocspSigning } = extendedKeyUsageOids

/** RFC 5280 section 4.2.1.12: "Key usage bits that may be consistent". */
const consistent: ReadonlyMap<string, readonly KeyUsageBit[]> = new Map<string, readonly KeyUsageBit[]>([
  [serverAuth, ['digitalSignature', 'keyEncipherment', 'keyAgreement']],
  [clientAuth, ['digitalSignature', 'keyAgreement']],
  [codeSigning, ['digitalSignature']],
  [emailProtection, ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement']],
  [timeStamping, ['digitalSignature', 'nonRepudiation']],
  [ocspSigning, ['digitalSignature', 'nonRepudiation']],
])

export const keyUsageFitsPurpose: LintRule = {
  id: 'key-usage-fits-purpose',
  citation: 'RFC 5280 section 4.2.1.12',
  scope: 'rfc',
  severity: 'error',
  requirement: 'keyUsage has a bit that is consistent with each purpose of extendedKeyUsage.',
  // "If there is no purpose consistent with both extensions, then the certificate MUST NOT be used for any purpose."
  check({ keyUsage, extendedKeyUsage }, { isCa }) {
    if (isCa || keyUsage === undefined || extendedKeyUsage === undefined) return undefined
    for (const purpose of extendedKeyUsage) {
      const bits = consistent.get(purpose)
      if (bits !== undefined && !keyUsage.some(bit => bits.includes(bit))) {
        return `keyUsage has no bit for the purpose ${purpose}`
      }
    }
    return undefined
  },
}
