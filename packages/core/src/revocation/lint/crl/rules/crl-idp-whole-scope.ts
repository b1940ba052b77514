import { contextTag } from '@fleetcert/x509/der'
import { readWhole } from '../../raw-fields.ts'
import type { CrlLintRule } from '../crl-rule.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

export const crlIdpWholeScope: CrlLintRule = {
  id: 'crl-idp-whole-scope',
  citation: 'fleetcert: a CA lists its own certificates, for all reasons; hardly anybody reads anything else',
  scope: 'fleetcert',
  severity: 'error',
  requirement:
    'issuingDistributionPoint has neither onlySomeReasons nor indirectCRL, and names its place in full (fullName).',
  check(crl) {
    const point = distributionPointOf(crl)
    if (point === undefined) return undefined
    if (point.onlySomeReasons !== undefined) return 'onlySomeReasons'
    if (point.indirectCrl) return 'indirectCRL'
    const name = point.fields.find(({ tag }) => tag === contextTag(0, true))
    return name && choiceIn(name.der) === contextTag(1, true) ? 'nameRelativeToCRLIssuer' : undefined
  },
}

/** The tag of a DistributionPointName, a CHOICE and so under its field's own tag. */
function choiceIn(der: Uint8Array): number | undefined {
  return readWhole(der, reader => {
    reader.enter(contextTag(0, true))
    const tag = reader.peekTag()
    reader.element()
    reader.leave()
    return tag
  })
}
