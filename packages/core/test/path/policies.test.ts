import { type VerifyPathOptions, verifyPath } from '@fleetcert/core'
import { encodeExtension, extensionOids } from '@fleetcert/x509'
import { context, integer, objectIdentifier, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { makeCa, makeEndEntity, optionsFor, refusal, verdictOf } from './support/pki.ts'

const any = '2.5.29.32.0'
const [gold, silver, bronze] = ['1.3.1', '1.3.2', '1.3.3'] as const
const policies = (...oids: string[]) =>
  encodeExtension(
    extensionOids.certificatePolicies,
    true,
    sequence(...oids.map(oid => sequence(objectIdentifier(oid)))),
  )
const mappings = (...pairs: (readonly [string, string])[]) =>
  encodeExtension(
    extensionOids.policyMappings,
    true,
    sequence(...pairs.map(pair => sequence(...pair.map(objectIdentifier)))),
  )
const constraints = (requireExplicitPolicy: number) =>
  encodeExtension(
    extensionOids.policyConstraints,
    true,
    sequence(context(0, false, Uint8Array.of(requireExplicitPolicy))),
  )
const inhibitAny = (skip: number) => encodeExtension(extensionOids.inhibitAnyPolicy, true, integer(skip))

const root = makeCa('root')
function chainOf(
  ca: readonly Uint8Array[],
  endEntity: readonly Uint8Array[],
  asked: VerifyPathOptions['policies'] = {},
): VerifyPathOptions {
  const issuing = makeCa('issuing', root, { extensions: ca })
  return optionsFor(makeEndEntity(issuing, { extensions: endEntity }), [issuing], [root], { policies: asked })
}
const refused = 'ERR_PKI_PATH_POLICY'

describe('the policies that a path holds', () => {
  it.each<[string, readonly Uint8Array[], readonly Uint8Array[], readonly string[]]>([
    ['those that all have', [policies(gold, silver)], [policies(silver, bronze)], [silver]],
    ['any above', [policies(any)], [policies(gold)], [gold]],
    ['any below', [policies(gold, silver)], [policies(any)], [gold, silver]],
    ['any everywhere', [policies(any)], [policies(any)], [any]],
    ['any that does not count any more', [policies(gold), inhibitAny(0)], [policies(any)], []],
    [
      'mapped ones, by the issuer’s name for them',
      [policies(gold), mappings([gold, silver])],
      [policies(silver)],
      [gold],
    ],
    ['none below', [policies(gold)], [], []],
    ['none above', [], [policies(gold)], []],
  ])('%s', async (_, ca, endEntity, expected) => {
    const options = chainOf(ca, endEntity)
    expect((await verifyPath(options)).policies).toEqual(expected)
    expect(await verdictOf({ ...options, policies: { requireExplicit: true } })).toBe(
      expected.length > 0 ? 'accepted' : refused,
    )
    expect(await verdictOf({ ...options, policies: { requireExplicit: true, acceptable: [bronze] } })).toBe(
      expected.includes(any) ? 'accepted' : refused,
    )
  })
})

describe('refusals', () => {
  it.each<[string, VerifyPathOptions, number, string]>([
    ['a CA demands one', chainOf([policies(gold), constraints(0)], [policies(silver)]), 0, '6.1.3 (f)'],
    ['a CA demands one further down', chainOf([policies(gold), constraints(1)], [policies(silver)]), 0, '6.1.5 (g)'],
    ['the end entity demands one', chainOf([policies(gold)], [policies(silver), constraints(0)]), 0, '6.1.5 (g)'],
    [
      'none is acceptable',
      chainOf([policies(gold)], [policies(gold)], { requireExplicit: true, acceptable: [silver] }),
      0,
      '6.1.5 (g)',
    ],
    [
      'mapping is forbidden',
      chainOf([policies(gold), mappings([gold, silver])], [policies(silver)], {
        requireExplicit: true,
        inhibitMapping: true,
      }),
      0,
      '6.1.3 (f)',
    ],
    [
      'any is forbidden',
      chainOf([policies(any)], [policies(gold)], { requireExplicit: true, inhibitAny: true }),
      1,
      '6.1.3 (f)',
    ],
    ['a mapping to anyPolicy', chainOf([policies(gold), mappings([gold, any])], [policies(gold)]), 1, '6.1.4 (a)'],
    ['a policy twice', chainOf([policies(gold, gold)], []), 1, '4.2.1.4'],
  ])('%s', async (_, options, depth, rule) => {
    const error = await refusal(options)
    expect(error.code).toBe(refused)
    expect(error.details).toMatchObject({ depth, rule: expect.stringContaining(rule) })
  })
})
