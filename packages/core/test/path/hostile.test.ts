import { type PathLimits, type VerifyPathOptions, verifyPath } from '@fleetcert/core'
import { encodeExtension, extensionOids } from '@fleetcert/x509'
import { objectIdentifier, sequence, sequenceOf } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import {
  alternativeNames,
  makeCa,
  makeCertificate,
  makeCrl,
  makeEndEntity,
  makeKey,
  nameConstraints,
  named,
  optionsFor,
  rawName,
  refusal,
  type TestCertificate,
  verdictOf,
} from './support/pki.ts'

const limit = 'ERR_PKI_PATH_LIMIT'

/** The limit that stops it, or the code that it ends with. */
async function stoppedBy(options: VerifyPathOptions): Promise<string> {
  const error = await refusal(options)
  return error.code === limit ? (error.details as { limit: string }).limit : error.code
}

/** The least value of a limit with which the outcome is still `outcome`: the work that is done. */
async function workOf(name: keyof PathLimits, options: VerifyPathOptions): Promise<number> {
  let [low, high] = [0, 1_000_000]
  while (low < high) {
    const middle = (low + high) >> 1
    const limits = { steps: 1e6, signatures: 1e6, nameComparisons: 1e6, ...options.limits, [name]: middle }
    if ((await stoppedBy({ ...options, limits })) === name) low = middle + 1
    else high = middle
  }
  return low
}

const root = makeCa('root')
/** CAs of one name that all certify each other, `layers` deep, `width` wide, the last by `top`. */
function mesh(
  layers: number,
  width: number,
  top: TestCertificate | undefined,
): { chain: TestCertificate[]; bottom: TestCertificate } {
  const keys = Array.from({ length: layers * width }, makeKey)
  const chain: TestCertificate[] = []
  let above = top === undefined ? [makeCa('nobody')] : [top]
  for (let layer = 0; layer < layers; layer++) {
    const next: TestCertificate[] = []
    for (let column = 0; column < width; column++) {
      const key = keys[layer * width + column]!
      for (const issuer of above) {
        const ca = makeCa(`layer ${layer}`, issuer, { key, withoutKeyIdentifiers: true })
        chain.push(ca)
        if (issuer === above[0]) next.push(ca)
      }
    }
    above = next
  }
  return { chain, bottom: above[0]! }
}

describe('paths that multiply', () => {
  it('cross certificates in layers: two to the power of the depth', async () => {
    const work: number[] = []
    for (const layers of [3, 4, 5, 6]) {
      const { chain, bottom } = mesh(layers, 2, root)
      // All signatures are right, and no path is: the root is another one of the same name and key that has expired.
      const options = optionsFor(makeEndEntity(bottom), chain, [
        makeCa('root', undefined, { key: root.key, notAfter: new Date('2026-02-01T00:00:00Z') }),
      ])
      expect(await stoppedBy({ ...options, limits: { steps: 1e6 } })).toBe('ERR_PKI_PATH_EXPIRED')
      work.push(await workOf('steps', options))
      // Each certificate is verified once by each key, however many paths lead over it.
      expect(await workOf('signatures', options)).toBeLessThanOrEqual(8 * layers)
    }
    for (const [index, steps] of work.entries()) if (index > 0) expect(steps).toBeGreaterThan(1.5 * work[index - 1]!)
    const { chain, bottom } = mesh(8, 3, root)
    const error = await stoppedBy(
      optionsFor(makeEndEntity(bottom), chain, [
        makeCa('root', undefined, { key: root.key, notAfter: new Date('2026-02-01T00:00:00Z') }),
      ]),
    )
    expect(['steps', 'signatures']).toContain(error)
  })

  it('cost nothing where no chain of names leads to an anchor', async () => {
    const { chain, bottom } = mesh(6, 2, undefined)
    const options = optionsFor(makeEndEntity(bottom), chain, [root], { limits: { steps: 0, signatures: 0 } })
    expect(await stoppedBy(options)).toBe('ERR_PKI_PATH_NOT_FOUND')
  })

  it('a good path among them is found', async () => {
    const { chain, bottom } = mesh(6, 2, root)
    const { work } = await verifyPath(optionsFor(makeEndEntity(bottom), chain, [root]))
    expect(work.steps).toBeLessThan(30)
  })

  it('a chain longer than the limit', async () => {
    const { chain, bottom } = mesh(12, 1, root)
    const options = optionsFor(makeEndEntity(bottom), chain, [root])
    expect((await refusal(options)).code).toBe('ERR_PKI_PATH_LENGTH')
    expect(await verdictOf({ ...options, limits: { pathLength: 13 } })).toBe('ERR_PKI_PATH_LENGTH')
    expect(await verdictOf({ ...options, limits: { pathLength: 14 } })).toBe('accepted')
  })
})

describe('pools full of the same', () => {
  const name = named('issuing')
  const issuing = makeCa('issuing', root)
  const device = makeEndEntity(issuing)

  it('one name, other keys: a signature for each, up to the limit', async () => {
    const impostors = Array.from({ length: 150 }, () => makeCa('issuing', root, { withoutKeyIdentifiers: true }))
    const bare = makeEndEntity(issuing, { withoutKeyIdentifiers: true })
    expect(await stoppedBy(optionsFor(bare, impostors, [root]))).toBe('signatures')
    expect(await workOf('signatures', optionsFor(bare, impostors.slice(0, 40), [root]))).toBe(40)
  })

  it('one name, one key identifier, one key: one signature', async () => {
    const twins = Array.from({ length: 150 }, () => makeCa('issuing', makeCa('root'), { key: issuing.key }))
    const options = optionsFor(device, twins, [root], { limits: { signatures: 1000 } })
    expect(await stoppedBy(options)).toBe('ERR_PKI_PATH_SIGNATURE')
    // One for the device, and one for each twin by the root.
    expect(await workOf('signatures', options)).toBe(151)
  })

  it('the same certificate again and again', async () => {
    const { work } = await verifyPath({ ...optionsFor(device, [], [root]), chain: new Array(200).fill(issuing.der) })
    expect(work).toMatchObject({ certificates: 200, signatures: 2, steps: 2 })
  })

  it('self-issued certificates that go round in circles', async () => {
    const keys = Array.from({ length: 8 }, makeKey)
    const circle = keys.flatMap(key =>
      keys
        .filter(other => other !== key)
        .map(other =>
          makeCertificate(
            {
              subject: name,
              key,
              basicConstraints: { cA: true },
              keyUsage: ['keyCertSign'],
              withoutKeyIdentifiers: true,
            },
            { ...issuing, key: other },
          ),
        ),
    )
    const last = makeEndEntity({ ...issuing, key: keys[0]! }, { withoutKeyIdentifiers: true })
    const trusted = makeCa('issuing')
    expect(['steps', 'signatures']).toContain(await stoppedBy(optionsFor(last, circle, [trusted])))
  })

  it('too many certificates, too many octets', async () => {
    const chain = new Array(201).fill(issuing.der)
    expect(await stoppedBy({ ...optionsFor(device, [], [root]), chain })).toBe('certificates')
    const fat = new Array(100).fill(new Uint8Array(64 * 1024))
    expect(await stoppedBy({ ...optionsFor(device, [], [root]), chain: fat })).toBe('certificateBytes')
  })
})

describe('name constraints', () => {
  const names = (count: number, form: (text: string) => Uint8Array = rawName.dns) =>
    Array.from({ length: count }, () => form('b'))
  function blowUp(nameCount: number, constraintCount: number, form?: (text: string) => Uint8Array): VerifyPathOptions {
    const ca = makeCa('ca', undefined, {
      extensions: [nameConstraints({ excluded: names(constraintCount, () => (form ?? rawName.dns)('a')) })],
    })
    return optionsFor(makeEndEntity(ca, { extensions: [alternativeNames(...names(nameCount, form))] }), [], [ca])
  }

  it('10,000 names under 10,000 constraints', async () => {
    expect(await stoppedBy(blowUp(10_000, 10_000))).toBe('nameComparisons')
  })

  it('cost their product, no more, and as much as is honest passes', async () => {
    const { work } = await verifyPath(blowUp(100, 100))
    // The subject and the common name are compared, too.
    expect(work.nameComparisons).toBeLessThanOrEqual(102 * 100)
    expect(work.nameComparisons).toBeGreaterThanOrEqual(100 * 100)
  })

  it('directory names with many RDNs cost each of them', async () => {
    const rdns = Array.from({ length: 500 }, () => [{ type: 'O', value: 'a' }])
    const long = rawName.directory(rdns)
    const longer = rawName.directory([...rdns, [{ type: 'O', value: 'b' }]])
    const ca = makeCa('ca', undefined, { extensions: [nameConstraints({ excluded: [longer, longer] })] })
    const device = makeEndEntity(ca, { extensions: [alternativeNames(long, long)] })
    const { work } = await verifyPath(optionsFor(device, [], [ca]))
    expect(work.nameComparisons).toBeGreaterThanOrEqual(4 * 501)
  })
})

describe('policies', () => {
  const policy = (index: number) => objectIdentifier(`1.3.${index}`)
  const policies = (count: number) =>
    encodeExtension(
      extensionOids.certificatePolicies,
      false,
      sequenceOf(Array.from({ length: count }, (_, index) => sequence(policy(index)))),
    )
  // Every policy to every other: a tree would hold count^depth nodes.
  const mappings = (count: number) =>
    encodeExtension(
      extensionOids.policyMappings,
      true,
      sequenceOf(
        Array.from({ length: count * count }, (_, index) =>
          sequence(policy(index % count), policy(Math.floor(index / count))),
        ),
      ),
    )

  it('mapped each to each cost their square at each depth, not its power', async () => {
    const work: number[] = []
    for (const depth of [1, 2, 3, 4]) {
      const chain: TestCertificate[] = []
      let issuer = root
      for (let index = 0; index < depth; index++) {
        issuer = makeCa(`policy ${index}`, issuer, { extensions: [policies(8), mappings(8)] })
        chain.push(issuer)
      }
      const device = makeEndEntity(issuer, { extensions: [policies(8)] })
      work.push((await verifyPath(optionsFor(device, chain, [root]))).work.policyNodes)
    }
    for (const [index, nodes] of work.entries()) if (index > 0) expect(nodes - work[index - 1]!).toBe(8 + 64)
  })

  it('have a limit', async () => {
    const ca = makeCa('ca', root, { extensions: [policies(1500)] })
    const device = makeEndEntity(ca, { extensions: [policies(1500)] })
    expect(await stoppedBy(optionsFor(device, [ca], [root], { limits: { policyNodes: 1500 } }))).toBe('policyNodes')
  })
})

describe('CRLs', () => {
  const issuing = makeCa('issuing', root)
  const device = makeEndEntity(issuing)
  const options = optionsFor(device, [issuing], [root], { revocation: 'checkAll' })

  it('by many keys of one name: signatures are counted', async () => {
    const impostors = Array.from({ length: 60 }, () => makeCrl(makeCa('issuing')))
    expect(await stoppedBy({ ...options, crls: [makeCrl(root), ...impostors] })).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
    const many = Array.from({ length: 110 }, () => makeCrl(makeCa('issuing')))
    expect(await stoppedBy({ ...options, crls: [makeCrl(root), ...many] })).toBe('signatures')
  })

  it('signers that vouch for each other end', async () => {
    const first = makeCa('issuing', issuing, { basicConstraints: null, keyUsage: ['cRLSign'] })
    const second = makeCa('issuing', issuing, { basicConstraints: null, keyUsage: ['cRLSign'] })
    const chain = [issuing, first, second].map(({ der }) => der)
    const crls = [makeCrl(root), makeCrl(first), makeCrl(second)]
    expect(await stoppedBy({ ...options, chain, crls })).toBe('ERR_PKI_PATH_REVOCATION_UNKNOWN')
  })

  it('too many, too many octets', async () => {
    expect(await stoppedBy({ ...options, crls: new Array(201).fill(makeCrl(root)) })).toBe('revocationData')
    expect(await stoppedBy({ ...options, crls: [makeCrl(root)], limits: { revocationBytes: 100 } })).toBe(
      'revocationBytes',
    )
  })
})
