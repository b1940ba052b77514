import { attributeValues } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const singleCommonName: LintRule = {
  id: 'single-common-name',
  citation: 'fleetcert: brokers join several common names with a comma (EMQX), so only one is unambiguous',
  check: certificate =>
    attributeValues(certificate.subject, 'CN').length <= 1 ? undefined : 'the subject has several common names',
}
