import { writeFileSync } from 'node:fs'
import { encodePem } from '@fleetcert/core'
import { extendedKeyUsage, extendedKeyUsageOids } from '@fleetcert/x509'
import { afterAll, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { seededRandom } from '../../../x509/test/support/random.ts'
import {
  alternativeNames,
  at,
  type CertificateSpec,
  makeCa,
  makeCrl,
  makeEndEntity,
  nameConstraints,
  named,
  optionsFor,
  rawName,
  type TestCertificate,
  verdictOf,
} from './support/pki.ts'

/** A chain and the CRLs that go with it; `purpose` and revocation as a TLS server asks. */
interface Scenario {
  readonly target: TestCertificate
  readonly chain: readonly TestCertificate[]
  readonly root: TestCertificate
  readonly crls: readonly Uint8Array[]
}

const isLong = process.env['FLEETCERT_LONG'] === '1'
const seed = Number(process.env['FLEETCERT_FUZZ_SEED'] ?? (isLong ? Date.now() % 2 ** 31 : 20260601))
const { dns, email, ip, directory, uri } = rawName
const { clientAuth, serverAuth } = extendedKeyUsageOids
const expired = { notAfter: new Date(at.getTime() - 1000) }
const toCome = { notBefore: new Date(at.getTime() + 1000) }
const purposes = (...oids: string[]) => ({ extensions: [extendedKeyUsage(oids)] })

function scenario(spec: {
  readonly root?: CertificateSpec
  readonly issuing?: CertificateSpec
  readonly target?: CertificateSpec
  readonly revoked?: 'target' | 'issuing'
  readonly crl?: Parameters<typeof makeCrl>[1]
  readonly withoutCrl?: true
}): Scenario {
  const root = makeCa('root', undefined, spec.root)
  const issuing = makeCa('issuing', root, spec.issuing)
  const target = makeEndEntity(issuing, spec.target)
  const entry = (certificate: TestCertificate) => ({ revoked: [{ serialNumber: certificate.serialNumber }] })
  const rootCrl = makeCrl(root, spec.revoked === 'issuing' ? entry(issuing) : {})
  const issuingCrl = makeCrl(issuing, { ...spec.crl, ...(spec.revoked === 'target' ? entry(target) : {}) })
  return { target, chain: [issuing], root, crls: spec.withoutCrl ? [rootCrl] : [rootCrl, issuingCrl] }
}

const names = (...list: Uint8Array[]) => ({ extensions: [alternativeNames(...list)] })
const permits = (...list: Uint8Array[]) => ({ extensions: [nameConstraints({ permitted: list })] })
const excludes = (...list: Uint8Array[]) => ({ extensions: [nameConstraints({ excluded: list })] })

const scenarios: readonly (readonly [string, Scenario, boolean])[] = [
  ['good', scenario({}), true],
  ['end entity expired', scenario({ target: expired }), false],
  ['end entity to come', scenario({ target: toCome }), false],
  ['CA expired', scenario({ issuing: expired }), false],
  ['root expired', scenario({ root: expired }), false],
  ['for clients', scenario({ target: purposes(clientAuth) }), true],
  ['for servers', scenario({ target: purposes(serverAuth) }), false],
  ['CA for servers', scenario({ issuing: purposes(serverAuth) }), false],
  ['root for servers', scenario({ root: purposes(serverAuth) }), false],
  ['key for something else', scenario({ target: { keyUsage: ['keyEncipherment'] } }), false],
  ['end entity revoked', scenario({ revoked: 'target' }), false],
  ['CA revoked', scenario({ revoked: 'issuing' }), false],
  ['no CRL', scenario({ withoutCrl: true }), false],
  ['CRL too old', scenario({ crl: { nextUpdate: new Date(at.getTime() - 1000) } }), false],
  ['CRL to come', scenario({ crl: { thisUpdate: new Date(at.getTime() + 1000) } }), false],
  ['CRL of another issuer', scenario({ crl: { issuerName: named('other') } }), false],
  ['CA without cRLSign', scenario({ issuing: { keyUsage: ['keyCertSign'] } }), false],
  ['CA without keyCertSign', scenario({ issuing: { keyUsage: ['cRLSign'] } }), false],
  ['CA that is none', scenario({ issuing: { basicConstraints: { cA: false } } }), false],
  ['path length 0', scenario({ root: { basicConstraints: { cA: true, pathLength: 0 } } }), false],
  ['path length 1', scenario({ root: { basicConstraints: { cA: true, pathLength: 1 } } }), true],
  ['DNS name permitted', scenario({ issuing: permits(dns('a.example')), target: names(dns('b.a.example')) }), true],
  ['DNS name not permitted', scenario({ issuing: permits(dns('a.example')), target: names(dns('b.example')) }), false],
  ['DNS name excluded', scenario({ root: excludes(dns('a.example')), target: names(dns('a.example')) }), false],
  [
    'common name excluded',
    scenario({ root: excludes(dns('a.example')), target: { subject: named('x.a.example') } }),
    false,
  ],
  [
    'mail address excluded',
    scenario({ root: excludes(email('a.example')), target: names(email('x@a.example')) }),
    false,
  ],
  [
    'mail address permitted',
    scenario({ root: permits(email('.a.example')), target: names(email('x@b.a.example')) }),
    true,
  ],
  [
    'address permitted',
    scenario({ issuing: permits(ip(10, 0, 0, 0, 255, 0, 0, 0)), target: names(ip(10, 1, 2, 3)) }),
    true,
  ],
  [
    'address not permitted',
    scenario({ issuing: permits(ip(10, 0, 0, 0, 255, 0, 0, 0)), target: names(ip(11, 1, 2, 3)) }),
    false,
  ],
  ['URI permitted', scenario({ issuing: permits(uri('a.example')), target: names(uri('https://a.example/x')) }), true],
  [
    'URI not permitted',
    scenario({ issuing: permits(uri('a.example')), target: names(uri('https://b.example/x')) }),
    false,
  ],
  ['subject permitted', scenario({ issuing: permits(directory([[{ type: 'O', value: 'ACME' }]])) }), true],
  ['subject not permitted', scenario({ issuing: permits(directory([[{ type: 'O', value: 'Other' }]])) }), false],
]

/** Any mixture of what the scenarios have one by one. */
function mixture(random: (below: number) => number): Scenario {
  const oneOf = <Item>(...items: readonly Item[]): Item => items[random(items.length)]!
  const seldom = <Item>(item: Item): Item | Record<never, never> => (random(6) === 0 ? item : {})
  const hosts = ['a.example', 'b.a.example', 'b.example', 'ba.example']
  const constraint = () => dns(oneOf(...hosts, 'example'))
  const constrained = () =>
    random(3) === 0
      ? {
          extensions: [
            nameConstraints(
              random(2) === 0 ? { permitted: [constraint(), constraint()] } : { excluded: [constraint()] },
            ),
          ],
        }
      : seldom(purposes(oneOf(clientAuth, serverAuth)))
  const cAs: TestCertificate[] = []
  const root = makeCa('root', undefined, {
    ...constrained(),
    ...seldom({ basicConstraints: { cA: true, pathLength: random(3) } }),
  })
  for (let depth = random(4); depth > 0; depth--) {
    const spec = {
      ...constrained(),
      ...seldom(
        oneOf<CertificateSpec>(
          expired,
          { basicConstraints: { cA: true, pathLength: random(2) } },
          { basicConstraints: { cA: true } },
        ),
      ),
    }
    // Some are self-issued.
    cAs.push(
      makeCa(
        random(4) === 0 && depth < 3 && cAs.length > 0 ? `ca ${cAs.length - 1}` : `ca ${cAs.length}`,
        cAs.at(-1) ?? root,
        spec,
      ),
    )
  }
  const target = makeEndEntity(cAs.at(-1) ?? root, {
    extensions: [
      alternativeNames(dns(oneOf(...hosts)), ...(random(2) === 0 ? [dns(oneOf(...hosts))] : [])),
      extendedKeyUsage([oneOf(clientAuth, clientAuth, serverAuth)]),
    ],
  })
  const all = [root, ...cAs, target]
  const crls = all.slice(0, -1).map((issuer, index) => {
    const below = all[index + 1]!
    return makeCrl(issuer, seldom({ revoked: [{ serialNumber: random(2) === 0 ? below.serialNumber : '01ff' }] }))
  })
  return { target, chain: cAs, root, crls }
}

describeWith(['openssl'], 'openssl verify says the same', () => {
  const scratch = temporaryDirectory()
  afterAll(() => scratch.remove())
  const pem = (label: string, ders: readonly Uint8Array[]) => ders.map(der => encodePem(label, der)).join('')

  function opensslVerdict({ target, chain, root, crls }: Scenario): {
    readonly isAccepted: boolean
    readonly output: string
  } {
    writeFileSync(scratch.path('target.pem'), pem('CERTIFICATE', [target.der]))
    writeFileSync(
      scratch.path('chain.pem'),
      pem('CERTIFICATE', chain.length === 0 ? [target.der] : chain.map(({ der }) => der)),
    )
    writeFileSync(scratch.path('root.pem'), pem('CERTIFICATE', [root.der]))
    writeFileSync(scratch.path('all.crl'), pem('X509 CRL', crls))
    const files = ['-CAfile', 'root.pem', '-untrusted', 'chain.pem', '-CRLfile', 'all.crl', 'target.pem']
    const flags = [
      '-no-CApath',
      '-no-CAstore',
      '-purpose',
      'sslclient',
      '-crl_check_all',
      '-attime',
      String(at.getTime() / 1000),
    ]
    const { status, output } = runTool('openssl', ['verify', ...flags, ...files], { cwd: scratch.directory })
    return { isAccepted: status === 0 && output.includes('target.pem: OK'), output }
  }

  const ourVerdict = ({ target, chain, root, crls }: Scenario): Promise<string> =>
    verdictOf(optionsFor(target, chain, [root], { revocation: 'checkAll', crls }))

  it.each(scenarios)('%s', async (_, made, isGood) => {
    const judged = opensslVerdict(made)
    expect(judged.isAccepted, judged.output).toBe(isGood)
    const verdict = await ourVerdict(made)
    expect(verdict === 'accepted', verdict).toBe(isGood)
  })

  it('about mixtures', { timeout: 120_000 }, async () => {
    const random = seededRandom(seed)
    const count = { accepted: 0, refused: 0 }
    for (let index = 0; index < (isLong ? 1000 : 80); index++) {
      const made = mixture(random)
      const judged = opensslVerdict(made)
      const verdict = await ourVerdict(made)
      expect(verdict === 'accepted', `seed ${seed}, mixture ${index}: ${verdict}, ${judged.output}`).toBe(
        judged.isAccepted,
      )
      count[judged.isAccepted ? 'accepted' : 'refused']++
    }
    expect(count.accepted).toBeGreaterThan(10)
    expect(count.refused).toBeGreaterThan(10)
  })
})
