import { lintOcspResponse } from '@fleetcert/core'
import { describe, expect, it } from 'vitest'
import { lintRules } from '../../../../src/authority/lint/rules/index.ts'
import { crlLintRules } from '../../../../src/revocation/lint/crl/rules/index.ts'
import { ocspLintRules } from '../../../../src/revocation/lint/ocsp/rules/index.ts'
import { issuerDer, type OcspCase, ocspResponse, request, signedByCa } from './build-ocsp.ts'
import { ocspCases } from './ocsp-cases.ts'

const findings = ({ response, request, withoutIssuer }: OcspCase) =>
  lintOcspResponse(ocspResponse(response), {
    ...(withoutIssuer ? {} : { issuer: issuerDer }),
    ...(request === undefined ? {} : { request }),
  })

describe('lint rules for OCSP responses', () => {
  it('are well described, and each has good and bad responses', () => {
    const ids = ocspLintRules.map(({ id }) => id)
    expect(Object.keys(ocspCases).sort()).toEqual([...ids].sort())
    const others = [...lintRules, ...crlLintRules].map(({ id }) => id)
    expect(new Set([...ids, ...others]).size).toBe(ids.length + others.length)
    for (const { id, citation, scope, severity, requirement, ...rule } of ocspLintRules) {
      expect(id).toMatch(/^ocsp-[a-z0-9-]+$/)
      expect(citation).toMatch(scope === 'rfc' ? /^(?:RFC \d+ |X\.690 section )/ : /^fleetcert: /)
      expect(['error', 'warning']).toContain(severity)
      expect(requirement).toMatch(/\.$/)
      expect(rule.check ?? rule.checkBasic, id).toBeDefined()
      expect(ocspCases[id]!.good.length, `${id}: good`).toBeGreaterThan(0)
      expect(ocspCases[id]!.bad.length, `${id}: bad`).toBeGreaterThan(0)
    }
  })

  it('mind nothing in a good response, whatever is known beside it', () => {
    expect(findings({ response: {} })).toEqual([])
    expect(findings({ response: {}, request: request() })).toEqual([])
    expect(findings({ response: signedByCa, request: request() })).toEqual([])
    expect(lintOcspResponse(ocspResponse())).toEqual([])
    expect(lintOcspResponse(ocspResponse({ status: 1, bytes: null }), { issuer: issuerDer })).toEqual([])
  })

  const numbered = (kind: 'bad' | 'good') =>
    Object.entries(ocspCases).flatMap(([rule, of]) =>
      of[kind].map((ocspCase, index) => [rule, index + 1, ocspCase] as const),
    )

  it.each(numbered('bad'))('%s: bad response %i', (rule, _index, ocspCase) => {
    const { id, citation, scope, severity } = ocspLintRules.find(({ id }) => id === rule)!
    const found = findings(ocspCase)
    expect(new Set(found.map(finding => finding.rule))).toEqual(new Set([rule, ...(ocspCase.also ?? [])]))
    const message = expect.stringMatching(/^[A-Za-z0-9 .,'/:-]+$/)
    expect(found.find(finding => finding.rule === rule)).toEqual({ rule: id, citation, scope, severity, message })
  })

  it.each(numbered('good'))('%s: good response %i', (rule, _index, ocspCase) => {
    expect(findings(ocspCase).map(finding => finding.rule)).not.toContain(rule)
  })
})
