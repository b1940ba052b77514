import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { lintChecklist } from '../../../../scripts/lint-checklist.ts'
import { lintDoc } from '../../../../scripts/lint-doc.ts'
import { lintRules } from '../../src/authority/lint/rules/index.ts'

it('docs/lint.md is made from the rules as they are now', () => {
  const path = new URL('../../../../docs/lint.md', import.meta.url)
  expect(readFileSync(path, 'utf8'), 'run `node --conditions=fleetcert-source scripts/lint-doc.ts`').toBe(lintDoc())
})

it('every line of the checklist has a rule or a reason, and every rule has a line', () => {
  const ids = lintRules.map(({ id }) => id)
  for (const { requirement, rules, reason = '' } of lintChecklist) {
    expect(rules.length > 0 || reason.length > 20, requirement).toBe(true)
    for (const id of rules) expect(ids, requirement).toContain(id)
  }
  expect(ids.filter(id => !lintChecklist.some(({ rules }) => rules.includes(id)))).toEqual([])
})
