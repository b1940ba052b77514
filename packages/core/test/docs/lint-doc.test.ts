import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { lintChecklist } from '../../../../scripts/lint-checklist.ts'
import { crlChecklist } from '../../../../scripts/lint-checklist-crl.ts'
import { ocspChecklist } from '../../../../scripts/lint-checklist-ocsp.ts'
import { lintDoc } from '../../../../scripts/lint-doc.ts'
import { lintRules } from '../../src/authority/lint/rules/index.ts'
import { crlLintRules } from '../../src/revocation/lint/crl/rules/index.ts'
import { ocspLintRules } from '../../src/revocation/lint/ocsp/rules/index.ts'

it('docs/lint.md is made from the rules as they are now', () => {
  const path = new URL('../../../../docs/lint.md', import.meta.url)
  expect(readFileSync(path, 'utf8'), 'run `node --conditions=fleetcert-source scripts/lint-doc.ts`').toBe(lintDoc())
})

it.each([
  { of: 'certificates', rules: lintRules, checklist: lintChecklist },
  { of: 'CRLs', rules: crlLintRules, checklist: crlChecklist },
  { of: 'OCSP responses', rules: ocspLintRules, checklist: ocspChecklist },
])(
  'every line of the checklist of $of has a rule or a reason, and every rule has a line',
  ({ rules: all, checklist }) => {
    const ids = all.map(({ id }) => id)
    for (const { requirement, rules, reason = '' } of checklist) {
      expect(rules.length > 0 || reason.length > 20, requirement).toBe(true)
      for (const id of rules) expect(ids, requirement).toContain(id)
    }
    expect(ids.filter(id => !checklist.some(({ rules }) => rules.includes(id)))).toEqual([])
  },
)
