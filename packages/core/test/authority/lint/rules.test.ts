import { parseTbsCertificate } from '@fleetcert/x509'
import { context, integer, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { lintSubject } from '../../../src/authority/lint/lint-certificate.ts'
import type { LintFinding } from '../../../src/authority/lint/lint-rule.ts'
import { lintRules } from '../../../src/authority/lint/rules/index.ts'
import { ca, device, issuer, type LintCase, type LintCases, server, tbsCertificate } from './cases/build-certificate.ts'
import { extensionCases } from './cases/extensions.ts'
import { fieldCases } from './cases/fields.ts'
import { nameConstraintCases } from './cases/name-constraints.ts'
import { nameCases } from './cases/names.ts'

const cases: LintCases = { ...fieldCases, ...nameCases, ...extensionCases, ...nameConstraintCases }
/** What the strict reader refuses by itself never gets as far as these rules. */
const guardedByReader = ['version-3', 'no-duplicate-extension']

function findings({ certificate, issuer, outer }: LintCase): LintFinding[] {
  return lintSubject(parseTbsCertificate(tbsCertificate(certificate)), {
    ...(issuer === undefined ? {} : { issuer: parseTbsCertificate(tbsCertificate(issuer)) }),
    ...(outer === undefined ? {} : { outerSignatureAlgorithm: outer }),
  })
}

describe('lint rules', () => {
  it('are well described, and each has good and bad certificates', () => {
    const ids = lintRules.map(({ id }) => id)
    expect(Object.keys(cases).sort()).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, citation, scope, severity, requirement } of lintRules) {
      expect(id).toMatch(/^[a-z][a-z0-9-]+$/)
      expect(citation).toMatch(scope === 'rfc' ? /^(?:RFC \d+ |X\.690 section |IEEE )/ : /^(?:fleetcert: |IEEE )/)
      expect(['error', 'warning']).toContain(severity)
      expect(requirement).toMatch(/\.$/)
      expect(cases[id]!.good.length, `${id}: good`).toBeGreaterThan(0)
      if (!guardedByReader.includes(id)) expect(cases[id]!.bad.length, `${id}: bad`).toBeGreaterThan(0)
    }
  })

  it('mind nothing in a good device, server, CA and root', () => {
    const authority = issuer()
    for (const certificate of [device(), server(), ca()]) {
      expect(findings({ certificate })).toEqual([])
      expect(findings({ certificate, issuer: authority })).toEqual([])
    }
    expect(findings({ certificate: authority })).toEqual([])
  })

  const all = Object.entries(cases)
  const numbered = (kind: 'bad' | 'good') =>
    all.flatMap(([rule, of]) => of[kind].map((lintCase, index) => [rule, index + 1, lintCase] as const))

  it.each(numbered('bad'))('%s: bad certificate %i', (rule, _index, lintCase) => {
    const { id, citation, scope, severity } = lintRules.find(({ id }) => id === rule)!
    const found = findings(lintCase)
    expect(new Set(found.map(finding => finding.rule))).toEqual(new Set([rule, ...(lintCase.also ?? [])]))
    expect(found.find(finding => finding.rule === rule)).toEqual({
      rule: id,
      citation,
      scope,
      severity,
      message: expect.stringMatching(/^\S.*\S$/),
    })
  })

  it.each(numbered('good'))('%s: good certificate %i', (rule, _index, lintCase) => {
    expect(findings(lintCase).map(finding => finding.rule)).not.toContain(rule)
  })

  it('minds a version 1 certificate', () => {
    const [, ...fields] = partsOf(tbsCertificate())
    const version1 = parseTbsCertificate(sequence(...fields.slice(0, -1)))
    expect(lintSubject(version1).map(({ rule }) => rule)).toContain('version-3')
    // With extensions the reader refuses it.
    const withExtensions = tbsCertificate(device({}, { version: context(0, true, integer(1)) }))
    expect(() => parseTbsCertificate(withExtensions)).toThrow(expect.objectContaining({ code: 'ERR_PKI_CERTIFICATE' }))
  })

  it('minds an extension that is there twice, if a reader let it pass', () => {
    const { extensions } = device()
    const twice = tbsCertificate({ extensions: [...extensions!, extensions![0]!] })
    expect(() => parseTbsCertificate(twice)).toThrow(expect.objectContaining({ code: 'ERR_PKI_DER' }))
    const parsed = parseTbsCertificate(tbsCertificate())
    const [first] = parsed.extensions
    const rule = lintRules.find(({ id }) => id === 'no-duplicate-extension')!
    expect(rule.check({ ...parsed, extensions: [first!, first!] }, { isCa: false, isSelfIssued: false })).toMatch(
      /twice/,
    )
  })

  it('never repeat what stands in the certificate', () => {
    for (const [, , lintCase] of numbered('bad')) {
      for (const { message } of findings(lintCase)) expect(message).toMatch(/^[A-Za-z0-9 .,'/:-]+$/)
    }
  })
})

/** The elements of a SEQUENCE with a length of three octets. */
function partsOf(tbs: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let offset = 4; offset < tbs.length; ) {
    const length = tbs[offset + 1]!
    const [header, content] =
      length < 0x80
        ? [2, length]
        : length === 0x81
          ? [3, tbs[offset + 2]!]
          : [4, tbs[offset + 2]! * 256 + tbs[offset + 3]!]
    parts.push(tbs.subarray(offset, offset + header + content))
    offset += header + content
  }
  return parts
}
