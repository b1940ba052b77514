import { isPkiError } from '@fleetcert/x509'
import { createDerReader, derTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { readOtherName } from '../other-name.ts'

const idOnHardwareModuleName = '1.3.6.1.5.5.7.8.4'

export const hardwareModuleName: LintRule = {
  id: 'hardware-module-name',
  citation: 'RFC 4108 section 5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A HardwareModuleName is a SEQUENCE of hwType and hwSerialNum.',
  // "HardwareModuleName ::= SEQUENCE { hwType OBJECT IDENTIFIER, hwSerialNum OCTET STRING }"
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'other' || name.tag !== 0) continue
      const { typeId, value } = readOtherName(name.der)
      if (typeId === idOnHardwareModuleName && !isHardwareModuleName(value)) return 'a HardwareModuleName that is none'
    }
    return undefined
  },
}

function isHardwareModuleName(value: Uint8Array): boolean {
  try {
    const reader = createDerReader(value)
    reader.enter(derTag.sequence)
    reader.objectIdentifier()
    reader.octetString()
    reader.leave()
    reader.finish()
    return true
  } catch (error) {
    if (!isPkiError(error)) throw error
    return false
  }
}
