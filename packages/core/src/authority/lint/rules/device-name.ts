import { attributeValues } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const prefix = 'urn:fleetcert:device:'

export const deviceName: LintRule = {
  id: 'device-name',
  citation: 'fleetcert: a certificate names one device, whichever of its names a broker reads',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'A `urn:fleetcert:device:` URI is alone of its kind and names the device of the common name.',
  check({ subject, subjectAltName }) {
    let urn: string | undefined
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'uri' || !isDeviceUrn(name.value)) continue
      if (urn !== undefined) return 'there are several device URNs'
      urn = name.value
    }
    if (urn === undefined || urn === `${prefix}${attributeValues(subject, 'CN')[0]}`) return undefined
    return 'the device URN and the common name differ'
  },
}

/** The scheme and the namespace of a URN are case-insensitive (RFC 8141 section 3.1). */
function isDeviceUrn(uri: string): boolean {
  return uri.startsWith(prefix) || uri.slice(0, prefix.length).toLowerCase() === prefix
}
