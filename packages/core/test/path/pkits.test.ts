import { isPkiError, verifyPath } from '@fleetcert/core'
import { expect, it } from 'vitest'
import { describeVectors } from '../../../x509/test/support/vectors.ts'

interface PkitsCase {
  readonly id: string
  readonly title: string
  /** Trust anchor, others, target. */
  readonly certs: readonly string[]
  readonly crls: readonly string[]
  readonly should_validate: boolean
  readonly time: string
  readonly initial_policy_set?: string
  readonly user_constrained_policy_set?: string
  readonly initial_explicit_policy?: boolean
  readonly initial_policy_mapping_inhibit?: boolean
  readonly initial_inhibit_any_policy?: boolean
}

/** Valid paths that are refused. The right verdict is not owed, and fails closed. */
const notOwed: Readonly<Record<string, { readonly code: string; readonly why: string }>> = {
  '4.1.4': { code: 'ERR_PKI_PATH_ALGORITHM', why: 'DSA with SHA-1: broken, and withdrawn by FIPS 186-5' },
  '4.1.5': { code: 'ERR_PKI_PATH_ALGORITHM', why: 'DSA with SHA-1 and inherited parameters' },
  '4.14.24': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'indirect CRL by another issuer' },
  '4.14.25': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'indirect CRL by another issuer' },
  '4.14.28': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'cRLIssuer: indirect CRL by another issuer' },
  '4.14.29': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'cRLIssuer: indirect CRL by another issuer' },
  '4.14.30': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'cRLIssuer: indirect CRL by another issuer' },
  '4.14.33': { code: 'ERR_PKI_PATH_REVOCATION_UNKNOWN', why: 'cRLIssuer: indirect CRL by another issuer' },
}

/** Why the invalid ones are refused, by group: a refusal for another reason would prove nothing. */
const reasons: readonly (readonly [RegExp, string])[] = [
  // The damaged signatures of 4.1.2, 4.1.6 and 4.4.4 are no whole octets any more: readers refuse them. A CA's certificate in the chain is then as if it were not there.
  [/^4\.1\.2$/, 'ERR_PKI_PATH_NOT_FOUND'],
  [/^4\.1\.3$/, 'ERR_PKI_PATH_SIGNATURE'],
  [/^4\.1\.6$/, 'ERR_PKI_CERTIFICATE'],
  [/^4\.2\.[12]$/, 'ERR_PKI_PATH_NOT_YET_VALID'],
  [/^4\.2\./, 'ERR_PKI_PATH_EXPIRED'],
  [/^4\.3\./, 'ERR_PKI_PATH_NOT_FOUND'],
  [/^4\.4\.4$/, 'ERR_PKI_CRL'],
  [/^4\.4\.(2|3|15|18|20)$/, 'ERR_PKI_PATH_REVOKED'],
  [/^4\.4\./, 'ERR_PKI_PATH_REVOCATION_UNKNOWN'],
  [/^4\.5\.[257]$/, 'ERR_PKI_PATH_REVOKED'],
  // Its issuer's certificate is for signing CRLs alone.
  [/^4\.5\.8$/, 'ERR_PKI_PATH_NOT_A_CA'],
  [/^4\.6\.[123]$/, 'ERR_PKI_PATH_NOT_A_CA'],
  [/^4\.6\./, 'ERR_PKI_PATH_LENGTH'],
  [/^4\.7\.[12]$/, 'ERR_PKI_PATH_KEY_USAGE'],
  [/^4\.7\./, 'ERR_PKI_PATH_REVOCATION_UNKNOWN'],
  [/^4\.(8|9|10|11|12)\./, 'ERR_PKI_PATH_POLICY'],
  [/^4\.13\./, 'ERR_PKI_PATH_NAME_CONSTRAINTS'],
  [/^4\.14\.(2|6|15|16|20|21|23)$/, 'ERR_PKI_PATH_REVOKED'],
  [/^4\.14\./, 'ERR_PKI_PATH_REVOCATION_UNKNOWN'],
  [/^4\.15\.[3469]$/, 'ERR_PKI_PATH_REVOKED'],
  [/^4\.15\./, 'ERR_PKI_PATH_REVOCATION_UNKNOWN'],
  [/^4\.16\./, 'ERR_PKI_PATH_EXTENSION'],
]

const policyOid = (name: string): string =>
  name === 'anyPolicy' ? '2.5.29.32.0' : `2.16.840.1.101.3.2.1.48.${name.replace('NIST-test-policy-', '')}`
const policyOids = (names: string): string[] => names.split(',').filter(Boolean).map(policyOid)

describeVectors('pkits', 'NIST PKITS', ({ bytes, text }) => {
  const cases: readonly PkitsCase[] = JSON.parse(text('pkits.json'))

  async function judge(test: PkitsCase): Promise<{ readonly verdict: string; readonly policies: readonly string[] }> {
    const certificates = test.certs.map(name => bytes(`certs/${name}.crt`))
    try {
      const { policies } = await verifyPath({
        certificate: certificates.at(-1)!,
        chain: certificates.slice(1, -1),
        trustAnchors: certificates[0]!,
        at: new Date(test.time),
        purpose: 'any',
        revocation: 'checkAll',
        crls: test.crls.map(name => bytes(`crls/${name}.crl`)),
        policies: {
          requireExplicit: test.initial_explicit_policy === true,
          inhibitMapping: test.initial_policy_mapping_inhibit === true,
          inhibitAny: test.initial_inhibit_any_policy === true,
          ...(test.initial_policy_set === undefined ? {} : { acceptable: policyOids(test.initial_policy_set) }),
        },
      })
      return { verdict: 'accepted', policies }
    } catch (error) {
      if (isPkiError(error)) return { verdict: error.code, policies: [] }
      throw error
    }
  }

  it.each(cases.map(test => [`${test.id} ${test.title}`, test] as const))('%s', async (_, test) => {
    const { verdict, policies } = await judge(test)
    const exception = notOwed[test.id]
    if (exception !== undefined) expect(verdict).toBe(exception.code)
    else if (test.should_validate) expect(verdict).toBe('accepted')
    else expect(verdict).toBe(reasons.find(([ids]) => ids.test(test.id))![1])
    if (verdict === 'accepted' && test.user_constrained_policy_set !== undefined) {
      expect([...policies].sort()).toEqual(policyOids(test.user_constrained_policy_set).sort())
    }
  })

  it('counts', async () => {
    const counts = { accepted: 0, refused: 0, wronglyAccepted: 0, wronglyRefused: 0 }
    for (const test of cases) {
      const isAccepted = (await judge(test)).verdict === 'accepted'
      if (isAccepted) counts[test.should_validate ? 'accepted' : 'wronglyAccepted']++
      else counts[test.should_validate ? 'wronglyRefused' : 'refused']++
    }
    const lines = Object.entries(notOwed).map(([id, { why }]) => `not owed: ${id} ${why}`)
    console.info(`PKITS, ${cases.length} cases: ${JSON.stringify(counts)}\n${lines.join('\n')}`)
    expect(counts).toEqual({
      accepted: 104,
      refused: 135,
      wronglyAccepted: 0,
      wronglyRefused: Object.keys(notOwed).length,
    })
    for (const id of Object.keys(notOwed)) expect(cases.map(test => test.id)).toContain(id)
  })
})
