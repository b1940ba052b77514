import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspCertsNeeded: OcspLintRule = {
  id: 'ocsp-certs-needed',
  citation: 'fleetcert: whoever asks has the CA certificate already; every octet goes to every device',
  scope: 'fleetcert',
  severity: 'warning',
  requirement: "No certificate but the delegate's comes along.",
  checkBasic({ certificates = [] }, { delegate }) {
    return certificates.length > (delegate === undefined ? 0 : 1)
      ? 'certificates beside that of the responder'
      : undefined
  },
}
