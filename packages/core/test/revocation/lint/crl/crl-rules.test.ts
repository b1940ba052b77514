import { lintCrl } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { lintRules } from '../../../../src/authority/lint/rules/index.ts'
import { crlLintRules } from '../../../../src/revocation/lint/crl/rules/index.ts'
import { type CrlCase, certificateList, issuerDer } from './build-crl.ts'
import { crlCases } from './crl-cases.ts'

const findings = ({ crl, issuer }: CrlCase) => lintCrl(certificateList(crl), { issuer: issuerDer(issuer) })

describe('lint rules for CRLs', () => {
  it('are well described, and each has good and bad CRLs', () => {
    const ids = crlLintRules.map(({ id }) => id)
    expect(Object.keys(crlCases).sort()).toEqual([...ids].sort())
    expect(new Set([...ids, ...lintRules.map(({ id }) => id)]).size).toBe(ids.length + lintRules.length)
    for (const { id, citation, scope, severity, requirement, ...rule } of crlLintRules) {
      expect(id).toMatch(/^crl-[a-z0-9-]+$/)
      expect(citation).toMatch(scope === 'rfc' ? /^(?:RFC \d+ |X\.690 section )/ : /^fleetcert: /)
      expect(['error', 'warning']).toContain(severity)
      expect(requirement).toMatch(/\.$/)
      expect(rule.check ?? rule.entries, id).toBeDefined()
      expect(crlCases[id]!.good.length, `${id}: good`).toBeGreaterThan(0)
      expect(crlCases[id]!.bad.length, `${id}: bad`).toBeGreaterThan(0)
    }
  })

  it('mind nothing in a good CRL, with or without its issuer', () => {
    expect(findings({ crl: {} })).toEqual([])
    expect(lintCrl(certificateList())).toEqual([])
    expect(lintCrl(certificateList({ entries: null }))).toEqual([])
  })

  const numbered = (kind: 'bad' | 'good') =>
    Object.entries(crlCases).flatMap(([rule, of]) =>
      of[kind].map((crlCase, index) => [rule, index + 1, crlCase] as const),
    )

  it.each(numbered('bad'))('%s: bad CRL %i', (rule, _index, crlCase) => {
    const { id, citation, scope, severity } = crlLintRules.find(({ id }) => id === rule)!
    const found = findings(crlCase)
    expect(new Set(found.map(finding => finding.rule))).toEqual(new Set([rule, ...(crlCase.also ?? [])]))
    const message = expect.stringMatching(/^[A-Za-z0-9 .,'/:-]+$/)
    expect(found.find(finding => finding.rule === rule)).toEqual({ rule: id, citation, scope, severity, message })
  })

  it.each(numbered('good'))('%s: good CRL %i', (rule, _index, crlCase) => {
    expect(findings(crlCase).map(finding => finding.rule)).not.toContain(rule)
  })
})
