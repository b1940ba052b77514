import { verifyPath } from '@fleetcert/core'
import { attributeValues, type DistinguishedName, encodeName, parseName } from '@fleetcert/x509'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparableName } from '../../src/path/comparable-name.ts'
import { makeCa, makeCrl, makeEndEntity, makeKey, optionsFor, type TestCertificate, verdictOf } from './support/pki.ts'

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const words = fc.array(word, { minLength: 1, maxLength: 3 })
const nameOf = (value: string, encoding?: 'printableString' | 'bmpString'): DistinguishedName => [
  [{ type: 'O', value: 'x' }],
  [encoding === undefined ? { type: 'CN', value } : { type: 'CN', value, encoding }],
]

describe('names compare', () => {
  it('equal, whatever case, blanks and string type they come in', () => {
    const blanks = fc.integer({ min: 1, max: 3 }).map(count => ' '.repeat(count))
    fc.assert(
      fc.property(
        words,
        blanks,
        fc.boolean(),
        fc.constantFrom(undefined, 'printableString', 'bmpString'),
        (parts, blank, isUpper, encoding) => {
          const text = blank + parts.join(blank) + blank
          const written = parseName(encodeName(nameOf(isUpper ? text.toUpperCase() : text, encoding)))
          expect(attributeValues(written, 'CN')).toHaveLength(1)
          expect(comparableName(written)).toBe(comparableName(nameOf(parts.join(' '))))
        },
      ),
    )
  })

  it('different, when their words are', () => {
    fc.assert(
      fc.property(words, words, (left, right) => {
        const isSame = left.join(' ') === right.join(' ')
        expect(comparableName(nameOf(left.join(' '))) === comparableName(nameOf(right.join(' ')))).toBe(isSame)
      }),
    )
  })

  it('and no text passes for the structure around it', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.string({ minLength: 1, maxLength: 20 }),
        (left, right) => {
          const two = comparableName([[{ type: 'O', value: left }], [{ type: 'O', value: right }]])
          const one = comparableName([
            [
              { type: 'O', value: left },
              { type: 'O', value: right },
            ],
          ])
          expect(two).not.toBe(one)
          expect(two).not.toBe(comparableName([[{ type: 'O', value: `${left}\n${right}` }]]))
        },
      ),
    )
  })
})

/** A pool in which keys certify keys at random: who certifies whom, by index. */
const edges = fc.uniqueArray(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })), {
  maxLength: 14,
  selector: ([subject, issuer]) => subject * 6 + issuer,
})
const keys = Array.from({ length: 6 }, makeKey)
const root = makeCa('ca 0', undefined, { key: keys[0]! })
const cAs = keys.map((key, index) => ({ ...root, key, subject: makeCa(`ca ${index}`, undefined, { key }).subject }))
const certify = (subject: number, issuer: number): TestCertificate =>
  makeCa(`ca ${subject}`, cAs[issuer], { key: keys[subject]! })
const devices = cAs.map(ca => makeEndEntity(ca))
const crls = cAs.map(ca => makeCrl(ca))

/** Whether the graph leads from `from` to the root's key. */
function leadsToRoot(pool: readonly (readonly [number, number])[], from: number): boolean {
  const seen = new Set([from])
  for (const subject of seen) for (const [below, above] of pool) if (below === subject) seen.add(above)
  return seen.has(0)
}

describe('paths through any graph of CAs', () => {
  it('are found where there are any, in any order of the pool, and prove themselves', async () => {
    await fc.assert(
      fc.asyncProperty(edges, fc.nat({ max: 5 }), fc.boolean(), async (pool, from, isReversed) => {
        const chain = pool.map(([subject, issuer]) => certify(subject, issuer))
        const options = optionsFor(devices[from]!, isReversed ? chain.toReversed() : chain, [root], {
          revocation: 'checkAll',
          crls,
        })
        const isThere = leadsToRoot(pool, from)
        if (!isThere) {
          expect(await verdictOf(options)).toMatch(/ERR_PKI_PATH_(NOT_FOUND|SIGNATURE)/)
          return
        }
        const { path, trustAnchor } = await verifyPath(options)
        expect(Buffer.compare(trustAnchor.der, root.der)).toBe(0)
        for (const [index, certificate] of path.slice(0, -1).entries()) {
          expect(Buffer.compare(certificate.issuerDer, path[index + 1]!.subjectDer)).toBe(0)
        }
        expect(
          new Set(path.map(({ subjectPublicKeyInfo }) => Buffer.from(subjectPublicKeyInfo).toString('hex'))).size,
        ).toBe(path.length)
        // Evidence that is taken away never proves more.
        // Another path may do where one is revoked, so it is all that the root has issued.
        const revokedRoot = makeCrl(root, {
          revoked: [devices[0]!, ...chain].map(({ serialNumber }) => ({ serialNumber })),
        })
        expect(await verdictOf({ ...options, crls: [...crls.slice(1), revokedRoot] })).not.toBe('accepted')
        expect(await verdictOf({ ...options, crls: crls.slice(1) })).not.toBe('accepted')
      }),
      { numRuns: 60 },
    )
  })
})
