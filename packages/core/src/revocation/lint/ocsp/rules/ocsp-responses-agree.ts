import { certIdKey } from '../cert-id-key.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponsesAgree: OcspLintRule = {
  id: 'ocsp-responses-agree',
  citation: 'fleetcert: of two answers about one certificate a client takes the one that it likes',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'SingleResponses with the same CertID have the same status.',
  checkBasic({ responses }) {
    const statuses = new Map<string, string>()
    for (const { certId, status } of responses) {
      const key = certIdKey(certId)
      if ((statuses.get(key) ?? status) !== status) return 'two statuses of one certificate'
      statuses.set(key, status)
    }
    return undefined
  },
}
