import { isPkiError, type VerifyPathOptions, verifyPath } from '@fleetcert/core'
import { crlDistributionPoints, extensionOids, issuingDistributionPoint } from '@fleetcert/x509'
import { context, integer, objectIdentifier, octetString, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import { mutateDer } from '../../../x509/test/fuzz/mutator.ts'
import { countingOctets } from '../../../x509/test/support/counting-octets.ts'
import { seededRandom } from '../../../x509/test/support/random.ts'
import { readDistributionPoints, readScope } from '../../src/path/distribution-points.ts'
import { parseNameConstraints } from '../../src/path/name-constraints.ts'
import { signatureScheme } from '../../src/path/path-signature.ts'
import { readPolicyExtensions } from '../../src/path/policy-extensions.ts'
import { readPssParameters } from '../../src/path/pss-parameters.ts'
import {
  alternativeNames,
  makeCa,
  makeCrl,
  makeEndEntity,
  nameConstraints,
  named,
  optionsFor,
  rawName,
} from './support/pki.ts'

const isLong = process.env['FLEETCERT_LONG'] === '1'
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20260601))
const rounds = isLong ? 50_000 : 2000
const maxLength = 4096
const timeout = isLong ? 300_000 : 30_000

const { dns, email, ip, directory, uri, registeredId } = rawName
const issuer = named('issuing')
/** The value inside an Extension. */
const extensionValue = (extension: Uint8Array): Uint8Array => {
  const marker = extension.lastIndexOf(0x04, 14)
  return extension.subarray(extension[marker + 1]! < 0x80 ? marker + 2 : marker + 3)
}
const allForms = [
  dns('a.example'),
  email('x@a.example'),
  ip(10, 0, 0, 0, 255, 0, 0, 0),
  directory(issuer),
  uri('.a.example'),
  registeredId(),
]
const rdn = context(1, true, sequence(objectIdentifier('2.5.4.3'), octetString(Uint8Array.of(1))))
const pss = sequence(
  context(0, true, sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'))),
  context(
    1,
    true,
    sequence(objectIdentifier('1.2.840.113549.1.1.8'), sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'))),
  ),
  context(2, true, integer(32)),
)
const policyCandidate = (oid: string) => (value: Uint8Array) =>
  readPolicyExtensions({ extension: (asked: string) => (asked === oid ? value : undefined) } as never)

const readers: Readonly<
  Record<string, { readonly seeds: readonly Uint8Array[]; readonly read: (input: Uint8Array) => unknown }>
> = {
  nameConstraints: {
    seeds: [extensionValue(nameConstraints({ permitted: allForms, excluded: allForms }))],
    read: parseNameConstraints,
  },
  distributionPoints: {
    seeds: [
      extensionValue(crlDistributionPoints(['http://a.example/0.crl'])),
      sequence(
        sequence(
          context(0, true, context(0, true, directory(issuer))),
          context(1, false, Uint8Array.of(1, 6)),
          context(2, true, directory(issuer)),
        ),
      ),
      sequence(sequence(context(0, true, rdn))),
    ],
    read: value => readDistributionPoints(value, issuer),
  },
  scope: {
    seeds: [
      extensionValue(issuingDistributionPoint({ urls: ['http://a.example/0.crl'], onlyContainsUserCerts: true })),
    ],
    read: value => readScope(value, issuer),
  },
  policies: {
    seeds: [
      sequence(
        sequence(objectIdentifier('1.2.3')),
        sequence(objectIdentifier('2.5.29.32.0'), sequence(sequence(objectIdentifier('1.2.4')))),
      ),
    ],
    read: policyCandidate(extensionOids.certificatePolicies),
  },
  mappings: {
    seeds: [sequence(sequence(objectIdentifier('1.2.3'), objectIdentifier('1.2.4')))],
    read: policyCandidate(extensionOids.policyMappings),
  },
  policyConstraints: {
    seeds: [sequence(context(0, false, Uint8Array.of(0)), context(1, false, Uint8Array.of(2)))],
    read: policyCandidate(extensionOids.policyConstraints),
  },
  algorithm: { seeds: [sequence(objectIdentifier('1.2.840.113549.1.1.10'), pss)], read: signatureScheme },
  pss: { seeds: [pss], read: readPssParameters },
}

describe('readers of extensions: a value or a coded error, in linear time', { timeout }, () => {
  it.each(Object.entries(readers))('%s', (_, { seeds, read }) => {
    const random = seededRandom(seed)
    const corpus = [...seeds]
    const counts = { accepted: 0, refused: 0 }
    for (let round = 0; round < rounds; round++) {
      const input =
        round < seeds.length
          ? seeds[round]!
          : mutateDer(corpus[random(corpus.length)]!, corpus[random(corpus.length)]!, random, maxLength)
      const { octets, reads } = countingOctets(input)
      try {
        read(octets)
        counts.accepted++
        if (corpus.length < 500) corpus.push(input)
      } catch (error) {
        if (!isPkiError(error))
          throw new Error(`seed ${seed}: ${Buffer.from(input).toString('base64')}`, { cause: error })
        counts.refused++
      }
      expect(reads()).toBeLessThanOrEqual(12 * input.length + 500)
    }
    expect(counts.accepted).toBeGreaterThan(20)
    expect(counts.refused).toBeGreaterThan(20)
  })
})

describe('whole chains', { timeout }, () => {
  const root = makeCa('root', undefined, { extensions: [nameConstraints({ permitted: [dns('example')] })] })
  const issuing = makeCa('issuing', root)
  const device = makeEndEntity(issuing, {
    extensions: [alternativeNames(dns('a.example')), crlDistributionPoints(['http://a.example/0.crl'])],
  })
  const crls = [
    makeCrl(root),
    makeCrl(issuing, { extensions: [issuingDistributionPoint({ urls: ['http://a.example/0.crl'] })] }),
  ]
  const good = optionsFor(device, [issuing], [root], { revocation: 'checkAll', crls })
  /** Each piece of what a stranger sends, in turn damaged. */
  const pieces: Readonly<Record<string, readonly [Uint8Array, (input: Uint8Array) => VerifyPathOptions]>> = {
    'the target': [device.der, input => ({ ...good, certificate: input })],
    'its issuer': [issuing.der, input => ({ ...good, chain: [input] })],
    'its CRL': [crls[1]!, input => ({ ...good, crls: [crls[0]!, input] })],
    'the CRL above': [crls[0]!, input => ({ ...good, crls: [input, crls[1]!] })],
  }

  it.each(Object.entries(pieces))(
    '%s damaged: never accepted, never a foreign error',
    async (_, [whole, optionsWith]) => {
      expect((await verifyPath(optionsWith(whole))).path).toHaveLength(3)
      const random = seededRandom(seed)
      const codes = new Set<string>()
      for (let round = 0; round < rounds / 2; round++) {
        const input = mutateDer(whole, issuing.der, random, maxLength)
        if (Buffer.compare(input, whole) === 0) continue
        try {
          await verifyPath(optionsWith(input))
        } catch (error) {
          if (!isPkiError(error))
            throw new Error(`seed ${seed}: ${Buffer.from(input).toString('base64')}`, { cause: error })
          codes.add(error.code)
          continue
        }
        // The other certificate of the chain is a good one, too.
        expect(Buffer.compare(input, issuing.der), `seed ${seed}: ${Buffer.from(input).toString('base64')}`).toBe(0)
      }
      expect(codes.size).toBeGreaterThan(1)
    },
  )
})
