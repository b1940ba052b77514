import { endlessNotAfter } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const devidSerialNumber: LintRule = {
  id: 'devid-serial-number',
  citation: 'IEEE 802.1AR-2018 section 8.6; fleetcert: an endless end entity is an IDevID',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'The subject of an endless end entity has one serialNumber attribute.',
  check({ subject, notAfter }, { isCa }) {
    if (isCa || notAfter.getTime() !== endlessNotAfter.getTime()) return undefined
    const found = subject.flat().filter(({ type }) => type === 'serialNumber').length
    return found === 1 ? undefined : `an endless certificate with ${found} serialNumber attributes in its subject`
  },
}
