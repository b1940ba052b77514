import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EmqxVersion } from '../../../src/emqx/config/emqx-version.ts'
import type { Emqx4ConfigOptions } from '../../../src/emqx/config/emqx4-config.ts'
import { emqxConfig } from '../../../src/emqx/emqx-config.ts'
import { type LintEmqxConfigOptions, lintEmqxConfig } from '../../../src/emqx/lint/lint-emqx-config.ts'
import { emqxLintRules } from '../../../src/emqx/lint/rules/index.ts'

const common = {
  authUrl: 'https://hub.example/validate',
  authorizeUrl: 'https://hub.example/authorize',
  serverCaFile: '/certs/hub-ca.pem',
  listener: { caFile: '/certs/ca.pem', certFile: '/certs/server.pem', keyFile: '/certs/key.pem' },
}
const good = emqxConfig({ ...common, version: '5.8' })
const withCrl = emqxConfig({ ...common, version: '5.8', crlCheck: 'pemFirst' })
const early = emqxConfig({ ...common, version: '5.6' })
const of4 = emqxConfig({ ...common, version: '4.4.19' })
const good4 = of4.emqxConf + of4.pluginConf
const crl4 = emqxConfig({ ...common, version: '4.4.19', crlUrls: ['http://hub/crl/a-0.pem'] })
const withCrl4 = crl4.emqxConf + crl4.pluginConf

/** The text with one thing changed, which must have been there. */
function change(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, to)
  expect(changed).not.toBe(text)
  return changed
}
const rulesOf = (text: string, options: LintEmqxConfigOptions = {}): string[] => [
  ...new Set(lintEmqxConfig(text, options).map(({ rule, severity }) => `${severity} ${rule}`)),
]

describe('lintEmqxConfig', () => {
  const certificates: Record<'none' | 'der' | 'pemFirst', string> = { none: '', der: '', pemFirst: '' }
  let fleet: Fleet
  let files: Record<string, string>
  beforeAll(async () => {
    const open = (publish?: { baseUrl: string; crl: 'der' | 'pemFirst' }): Promise<Fleet> =>
      openFleet({
        store: memoryStore(),
        keyring: memoryKeyring(),
        background: false,
        ...(publish === undefined ? {} : { publish }),
      })
    for (const kind of ['der', 'pemFirst'] as const) {
      await using one = await open({ baseUrl: 'http://hub', crl: kind })
      certificates[kind] = (await one.enroll('d1')).certificate
    }
    fleet = await open()
    certificates.none = (await fleet.enroll('d1')).certificate
    const { certificate, chain } = await fleet.issueServer({ hosts: ['broker'] })
    files = { '/certs/server.pem': certificate + chain, '/certs/ca.pem': chain + fleet.trustAnchors }
    return () => fleet.close()
  })

  it('finds nothing in what emqxConfig writes', () => {
    expect(lintEmqxConfig(good, { version: '5.8', files })).toEqual([])
    expect(lintEmqxConfig(good)).toEqual([])
    expect(lintEmqxConfig(good4, { version: '4.4' })).toEqual([])
    expect(lintEmqxConfig(good4, { files })).toEqual([])
  })

  it('finds nothing in what emqxConfig writes, whatever the options', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter(one => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\$\{/.test(one) && one.isWellFormed())
    const ascii = fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
      .filter(one => one.trim() === one && !/#|\$\(|%%|\$\{/.test(one))
    const url = fc.constantFrom(
      'https://hub.example:8443/x?y=z',
      'http://hub:3000/x',
      'http://10.1.2.3/x',
      'https://[2001:db8::1]/x',
    )
    const options = (words: fc.Arbitrary<string>) => ({
      authUrl: url,
      authorizeUrl: url,
      serverCaFile: words,
      secretHeader: fc.option(fc.record({ name: fc.constantFrom('X-Secret', 'authorization'), value: words }), {
        nil: undefined,
      }),
      poolSize: fc.integer({ min: 1, max: 64 }),
      pipelining: fc.integer({ min: 1, max: 100 }),
      bodyKeys: fc.constantFrom(undefined, { clientid: 'id' }),
    })
    const listener = (words: fc.Arbitrary<string>) => ({
      bind: fc.constantFrom(undefined, '0.0.0.0:8883', '[::]:8883', '8883'),
      caFile: words,
      certFile: words,
      keyFile: words,
      tlsVersions: fc.constantFrom(undefined, ['tlsv1.3'], ['tlsv1.2', 'tlsv1.3']),
    })
    const clean = <T extends object>(value: T): never =>
      Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never
    const releases = [
      '5.0',
      '5.0.22',
      '5.1',
      '5.2',
      '5.3',
      '5.4',
      '5.5',
      '5.6',
      '5.7',
      '5.7.0',
      '5.7.1',
      '5.8',
      '5.8.9',
      '5.9',
      '5.10',
      '5.10.4',
      '6.0',
      '6.0.3',
      '6.1',
      '6.1.2',
      '6.2',
      '6.2.2',
      '6.3',
    ]
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom(...releases),
          ...options(text),
          crlCheck: fc.constantFrom(false, 'der', 'pemFirst'),
        }),
        fc.record({ ...listener(text), proxyProtocol: fc.boolean() }),
        (given, { proxyProtocol, ...rest }) => {
          const version = given.version as EmqxVersion
          const written = (() => {
            try {
              return emqxConfig(clean({ ...given, listener: clean({ ...rest, proxyProtocol }) }))
            } catch (error) {
              // What a release cannot do safely is refused, and nothing else.
              if (!/proxyProtocol|crlCheck/.test((error as Error).message)) throw error
              return undefined
            }
          })()
          fc.pre(written !== undefined)
          const deviceCertificate = certificates[given.crlCheck === false ? 'none' : (given.crlCheck as 'der')]
          expect(lintEmqxConfig(written!, { version, deviceCertificate })).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(
        fc.record({ version: fc.constantFrom('4.4', '4.4.10', '4.4.19'), ...options(ascii), aclFile: ascii }),
        fc.record(listener(ascii)),
        fc.boolean(),
        (given, rest, hasCrls) => {
          const crlUrls = hasCrls && given.version === '4.4.19' ? ['http://hub/crl/a.pem'] : []
          const written = emqxConfig(clean({ ...given, crlUrls, listener: clean(rest) }) as Emqx4ConfigOptions)
          const text = written.emqxConf + written.pluginConf
          expect(lintEmqxConfig(text, { version: given.version as EmqxVersion })).toEqual([])
          expect(lintEmqxConfig(text)).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  })

  const cases: readonly [string, () => string, (string | (() => LintEmqxConfigOptions))?][] = [
    ['error release', () => good, '5.0.0'],
    ['warning release', () => early, '5.0.8'],
    ['warning not-here', () => `include "more.conf"\n${good}`],
    ['warning not-here', () => change(good, /authentication = \[[\s\S]*?\n\]/, 'authentication = ${x}')],
    ['error verify-peer', () => change(good, 'verify = verify_peer\n    ##', 'verify = verify_none\n    ##')],
    ['error verify-peer', () => change(good, 'listeners.wss.default.enable = false', '')],
    ['error verify-peer', () => change(good4, /^.*verify = verify_peer\n/m, '')],
    ['error fail-if-no-peer-cert', () => change(good, 'fail_if_no_peer_cert = true', 'fail_if_no_peer_cert = false')],
    ['error fail-if-no-peer-cert', () => change(good, 'fail_if_no_peer_cert = true', '')],
    ['error fail-if-no-peer-cert', () => change(good4, /^.*fail_if_no_peer_cert = true\n/m, '')],
    ['warning plain-listener', () => change(good, 'listeners.tcp.default.enable = false', '')],
    ['warning plain-listener', () => `${good}\nlisteners.ws.other { bind = 8083 }`],
    ['error plain-listener', () => change(early, 'listeners.tcp.default.enable = false', '')],
    ['error plain-listener', () => change(good4, '127.0.0.1:1883', '0.0.0.0:1883')],
    ['error quic-listener', () => `${good}\nlisteners.quic.default.bind = 14567`, '6.2'],
    ['warning proxy-protocol', () => change(good, 'bind =', 'proxy_protocol = true\nbind =')],
    ['error proxy-protocol', () => change(good, 'bind =', 'proxy_protocol = true\nbind ='), '6.1.1'],
    ['error proxy-protocol', () => `${good}\nlisteners.tcp.lb { bind = 1884, proxy_protocol = true }`, '6.2.2'],
    ['error proxy-protocol', () => `${good4}\nlistener.ssl.external.proxy_protocol = on`],
    ['warning session-resumption', () => change(good, 'reuse_sessions = false', '')],
    ['warning session-resumption', () => change(good, 'reuse_sessions = false', 'reuse_sessions = true'), '6.2'],
    ['warning session-resumption', () => change(good, 'reuse_sessions', 'session_tickets = stateless\nreuse_sessions')],
    ['warning session-resumption', () => change(good4, 'reuse_sessions = off', 'reuse_sessions = on')],
    ['warning tls-versions', () => change(good, '"tlsv1.2"]', '"tlsv1.2", "tlsv1.1"]')],
    ['warning tls-versions', () => change(good4, /^.*tls_versions.*\n/m, '')],
    ['error crl-check-verify-peer', () => change(withCrl, 'verify = verify_peer\n    ##', '##')],
    ['error crl-check-verify-peer', () => change(withCrl4, /^.*verify = verify_peer\n/m, '')],
    [
      'error crl-everywhere',
      () => `${withCrl}\nlisteners.wss.default { enable = true, ssl_options { verify = verify_peer } }`,
    ],
    [
      'error crl-everywhere',
      () => `${withCrl}\nlisteners.ssl.second { bind = 8884, ssl_options { verify = verify_peer } }`,
    ],
    ['error crl-distribution-point', () => withCrl, () => ({ deviceCertificate: certificates.none })],
    ['error crl-encoding', () => withCrl, () => ({ deviceCertificate: certificates.der })],
    ['error crl-encoding', () => withCrl, () => ({ deviceCertificate: certificates.der, version: '6.0.2' })],
    ['error crl-cache-urls', () => change(withCrl4, /^.*crl_cache_urls.*\n/m, '')],
    ['error crl-cache-urls', () => withCrl4, () => ({ deviceCertificate: certificates.pemFirst })],
    ['warning crl-fetch-time', () => change(withCrl, 'http_timeout = "5s"', 'http_timeout = "1m"')],
    ['warning crl-fetch-time', () => change(withCrl4, /^crl_cache_http_timeout.*\n/m, '')],
    [
      'error certificate-files',
      () => good,
      () => ({ files: { '/certs/server.pem': reversed(files['/certs/server.pem']!) } }),
    ],
    [
      'error certificate-files',
      () => good,
      () => ({ files: { '/certs/ca.pem': files['/certs/ca.pem']!.split(/(?<=END CERTIFICATE-----\n)/)[0]! } }),
    ],
    [
      'error certificate-files',
      () => change(good, 'enable_crl_check = false', 'partial_chain = true'),
      () => ({ files: { '/certs/ca.pem': files['/certs/server.pem']!.split(/(?<=END CERTIFICATE-----\n)/)[0]! } }),
    ],
    ['error authenticator-missing', () => change(good, /authentication = \[[\s\S]*?\n\]/, 'authentication = []')],
    ['error authenticator-missing', () => change(good, 'backend = http', 'backend = built_in_database')],
    ['error authenticator-missing', () => change(good, 'backend = http', 'backend = http\nenable = false')],
    ['error authenticator-missing', () => change(good, 'bind =', 'authentication = []\nbind =')],
    ['error authenticator-missing', () => change(good, 'bind =', 'enable_authn = false\nbind =')],
    ['error authenticator-missing', () => of4.emqxConf],
    [
      'error authenticator-alone',
      () => `${good}\nauthentication.2 { mechanism = password_based, backend = built_in_database }`,
    ],
    ['error authenticator-alone', () => change(good, 'authentication = [', 'authentication = [{ mechanism = jwt }')],
    [
      'error authenticator-alone',
      () =>
        change(
          good,
          'authentication = [',
          'authentication = [{ mechanism = cinfo, checks = [{ is_match = "x", result = allow }] }',
        ),
    ],
    ['error anonymous', () => change(good4, 'allow_anonymous = false', 'allow_anonymous = true')],
    ['error anonymous', () => change(good4, /^allow_anonymous.*\n/m, '')],
    ['error anonymous', () => change(good4, 'bypass_auth_plugins = false', 'bypass_auth_plugins = true')],
    ['error anonymous', () => change(good4, 'zone.external.enable_acl = on', 'zone.external.enable_acl = off')],
    ['error superuser-hook', () => `${good4}\nauth.http.super_req.url = https://hub.example/super`],
    ['error hook-url', () => change(good, 'https://hub.example/validate', 'localhost:3000')],
    ['error hook-url', () => change(good, 'https://hub.example/validate', '//hub.example/x')],
    ['error hook-url', () => change(good, 'https://hub.example/authorize', 'https://${username}.example/x')],
    ['error hook-url', () => change(good, 'https://hub.example/authorize', 'https://u:p@hub.example/x')],
    ['error hook-url', () => change(good4, 'https://hub.example/authorize', 'hub.example')],
    ['error hook-tls', () => change(good, 'https://hub.example/validate', 'http://hub.example/validate')],
    ['error hook-tls', () => change(good, /ssl \{\s+enable = true/, 'ssl {')],
    ['error hook-tls', () => change(good, 'verify = verify_peer\n      cacertfile', 'cacertfile')],
    ['error hook-tls', () => change(good, /cacertfile = "\/certs\/hub-ca.pem"/, '')],
    ['error hook-tls', () => change(good4, 'auth.http.ssl.verify = true', 'auth.http.ssl.verify = false')],
    ['error hook-request', () => change(good, '"application/json"', '"application/json; charset=utf-8"')],
    ['error hook-request', () => change(good, 'method = post', 'method = get')],
    [
      'warning hook-request',
      () => change(good, /method = post([\s\S]*?)"content-type" = "application\/json"/, 'method = get$1'),
    ],
    ['error hook-request', () => change(good, '"${peerhost}"', '1')],
    ['error hook-request', () => change(good, /^.*"\$\{cert_pem\}"\n/m, '')],
    ['error hook-request', () => change(early, 'peer_cert_as_username = pem', 'peer_cert_as_username = cn')],
    ['error hook-request', () => change(good4, /^.*peer_cert_as_username = pem\n/m, '')],
    ['error placeholders', () => change(good, '${peerhost}', '${peername}')],
    ['error placeholders', () => change(good, '${peerhost}', '${peerport}'), '5.8'],
    ['error placeholders', () => good, '5.7.0'],
    ['error placeholders', () => change(good, '"${topic}"', '"${cert_pem}"')],
    ['error placeholders', () => change(good4, 'ipaddr=%a', 'ipaddr=%A')],
    ['warning header-placeholder', () => change(good, '"connection" = "keep-alive"', '"x" = "${cert_common_name}"')],
    ['warning header-placeholder', () => change(good, '"connection" = "keep-alive"', '"x" = "${username}"'), '5.10.3'],
    ['warning hook-timeout', () => change(good, 'request_timeout = "5s"', 'request_timeout = "3s"')],
    ['warning hook-timeout', () => change(good4, 'auth.http.timeout = 5s', 'auth.http.timeout = 4s')],
    ['warning node-cache', () => good, '6.2'],
    ['warning node-cache', () => `${good}\nauthorization.node_cache.enable = true`],
    ['warning backend-failures', () => `${good}\nauthorization.ignore_backend_failures = true`],
    ['error no-match-deny', () => change(good, 'no_match = deny', 'no_match = allow'), '6.2.2'],
    ['error no-match-deny', () => change(good, 'no_match = deny', '')],
    ['error no-match-deny', () => change(good4, /^acl_nomatch.*\n/m, '')],
    ['error permissive-source', () => change(good, 'sources = [', 'sources = [{ type = file, path = "x" }')],
    ['error permissive-source', () => change(good, /sources = \[[\s\S]*\n {2}\]/, '')],
    ['error permissive-source', () => change(good4, /^acl_file.*$/m, 'acl_file = etc/acl.conf')],
    ['warning peer-cert-as-clientid', () => `${good}\nmqtt.peer_cert_as_clientid = pem`],
    ['warning peer-cert-as-clientid', () => `${good4}\nlistener.ssl.external.peer_cert_as_clientid = crt`],
  ]

  it.each(cases.map(([expected, text, more], index) => ({ index, expected, text, more })))(
    '$expected ($index)',
    ({ expected, text, more }) => {
      const options = typeof more === 'function' ? more() : more === undefined ? {} : { version: more as EmqxVersion }
      const findings = lintEmqxConfig(text(), options)
      expect(findings.map(({ rule, severity }) => `${severity} ${rule}`)).toContain(expected)
      for (const { message, fix, setting } of findings)
        for (const words of [message, fix, setting]) expect(words).not.toBe('')
    },
  )

  it('has a case for each rule', () => {
    const seen = new Set(cases.map(([expected]) => expected.split(' ')[1]))
    expect([...seen].sort()).toEqual(emqxLintRules.map(({ id }) => id).sort())
  })

  it.each([
    [
      'the hook of a private network over http',
      () => change(good, 'https://hub.example/validate', 'http://hub:3000/validate'),
      undefined,
    ],
    [
      'cinfo that only refuses',
      () =>
        change(
          good,
          'authentication = [',
          'authentication = [{ mechanism = cinfo, checks = [{ is_match = "x", result = deny }] }',
        ),
      undefined,
    ],
    [
      'another authenticator that is off',
      () => `${good}\nauthentication.2 { mechanism = jwt, enable = false }`,
      undefined,
    ],
    ['a plain listener on loopback', () => `${good}\nlisteners.tcp.local { bind = "127.0.0.1:1883" }`, undefined],
    [
      'a listener that was deleted',
      () => change(good, 'listeners.ws.default.enable = false', 'listeners.ws.default = marked_for_deletion'),
      undefined,
    ],
    ['flags in quotes', () => change(good, 'fail_if_no_peer_cert = true', 'fail_if_no_peer_cert = "true"'), undefined],
    [
      'no source where the answer has the rules',
      () => change(good, /sources = \[[\s\S]*\n {2}\]/, 'sources = []'),
      undefined,
    ],
    [
      'defaults that are good from 6.2 on',
      () => change(emqxConfig({ ...common, version: '6.2' }), 'no_match = deny\n', ''),
      '6.2',
    ],
    [
      'a header that is filled from 6.2.1 on',
      () => change(emqxConfig({ ...common, version: '6.2' }), '"connection" = "keep-alive"', '"x" = "${clientid}"'),
      '6.2.1',
    ],
    [
      'PROXY protocol from 6.2.1 on',
      () => emqxConfig({ ...common, version: '6.2.1', listener: { ...common.listener, proxyProtocol: true } }),
      '6.2.1',
    ],
    [
      'QUIC from 6.3 on',
      () => `${emqxConfig({ ...common, version: '6.3' })}\nlisteners.quic.default.bind = 14567`,
      '6.3',
    ],
    [
      'partial_chain over the issuing CA',
      () => change(good, 'enable_crl_check = false', 'partial_chain = true'),
      undefined,
    ],
  ] as const)('finds nothing wrong with %s', (_, text, version) => {
    expect(rulesOf(text(), { files, ...(version === undefined ? {} : { version }) })).toEqual([])
  })

  it('says where, and never what was written there', () => {
    const text = change(good, 'https://hub.example/validate', 'http://hub.example/secret-path')
    const [finding, ...more] = lintEmqxConfig(text)
    expect(more).toEqual([])
    expect(text.split('\n')[finding!.line - 1]).toContain('secret-path')
    expect(finding).toMatchObject({ setting: 'authentication.1.url', severity: 'error', rule: 'hook-tls' })
    expect(JSON.stringify(finding)).not.toContain('secret-path')
  })

  it('refuses what it cannot read', () => {
    expect(() => lintEmqxConfig('a = ')).toThrow(
      expect.objectContaining({
        code: 'ERR_PKI_BROKER_CONFIG',
        details: { line: 1, reason: 'line 1: a key without a value' },
      }),
    )
    expect(() => lintEmqxConfig('allow_anonymous = true\nnonsense')).toThrow('line 2: neither a comment nor a setting')
    expect(() => lintEmqxConfig(' '.repeat(1_048_577))).toThrow(expect.objectContaining({ code: 'ERR_PKI_TOO_LARGE' }))
    expect(() => lintEmqxConfig(1 as never)).toThrow(TypeError)
    expect(() => lintEmqxConfig('', { version: '7.0' as never })).toThrow(TypeError)
    expect(() => lintEmqxConfig('', { deviceCertificate: 'x' })).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_PEM' }),
    )
  })

  it('finds what EMQX does when nothing is said', () => {
    expect(rulesOf('')).toEqual([
      'error verify-peer',
      'warning plain-listener',
      'error authenticator-missing',
      'error no-match-deny',
      'error permissive-source',
    ])
  })
})

function reversed(pem: string): string {
  return pem
    .split(/(?<=END CERTIFICATE-----\n)/)
    .reverse()
    .join('')
}
