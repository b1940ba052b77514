import { describe, expect, it } from 'vitest'
import { isPrivateHost } from '../../src/emqx/config/config-values.ts'
import { hasSince, parseEmqxVersion } from '../../src/emqx/config/emqx-version.ts'
import { fillsPlaceholder, placeholderSince } from '../../src/emqx/config/placeholders.ts'
import { emqxConfig } from '../../src/emqx/emqx-config.ts'

const options = {
  version: '5.8',
  authUrl: 'https://hub.example:8443/api/devices/certificates/validate',
  authorizeUrl: 'https://hub.example:8443/api/devices/certificates/authorize',
  secretHeader: { name: 'X-Secret', value: 'a "quoted" \\ secret' },
  serverCaFile: '/etc/certs/hub-ca.pem',
  listener: {
    caFile: '/etc/certs/ca-cert.pem',
    certFile: '/etc/certs/server-cert.pem',
    keyFile: '/etc/certs/server-key.pem',
  },
} as const

describe('emqxConfig for EMQX 5 and 6', () => {
  it('renders the whole', () => {
    expect(emqxConfig(options)).toMatchInlineSnapshot(`
      "## EMQX 5.8: the certificate is the identity.

      listeners.ssl.default {
        enable = true
        bind = "0.0.0.0:8883"
        ssl_options {
          cacertfile = "/etc/certs/ca-cert.pem"
          certfile = "/etc/certs/server-cert.pem"
          keyfile = "/etc/certs/server-key.pem"
          verify = verify_peer
          ## Without this a client that shows no certificate is let in by the handshake.
          fail_if_no_peer_cert = true
          ## A resumed session would skip the certificate check.
          reuse_sessions = false
          versions = ["tlsv1.3", "tlsv1.2"]
          enable_crl_check = false
        }
      }
      listeners.tcp.default.enable = false
      listeners.ws.default.enable = false
      listeners.wss.default.enable = false

      ## The only authenticator: one that is asked after ours could let in whom ours could not judge.
      authentication = [
        {
          mechanism = password_based
          backend = http
          method = post
          url = "https://hub.example:8443/api/devices/certificates/validate"
          headers {
            "content-type" = "application/json"
            "accept" = "application/json"
            "connection" = "keep-alive"
            "keep-alive" = "timeout=30, max=1000"
            "x-secret" = "a \\"quoted\\" \\\\ secret"
          }
          body {
            "clientid" = "\${clientid}"
            "username" = "\${username}"
            "peerhost" = "\${peerhost}"
            "cert_pem" = "\${cert_pem}"
            "cert_common_name" = "\${cert_common_name}"
            "cert_subject" = "\${cert_subject}"
          }
          ## The hub answers within 4 s.
          request_timeout = "5s"
          connect_timeout = "5s"
          pool_size = 8
          enable_pipelining = 100
          ssl {
            enable = true
            verify = verify_peer
            cacertfile = "/etc/certs/hub-ca.pem"
          }
        }
      ]

      authorization {
        ## The default of EMQX 5 is allow, also for a source that is down.
        no_match = deny
        deny_action = ignore
        cache.enable = false
        sources = [
          {
            type = http
            method = post
            url = "https://hub.example:8443/api/devices/certificates/authorize"
            headers {
              "content-type" = "application/json"
              "accept" = "application/json"
              "connection" = "keep-alive"
              "keep-alive" = "timeout=30, max=1000"
              "x-secret" = "a \\"quoted\\" \\\\ secret"
            }
            body {
              "clientid" = "\${clientid}"
              "username" = "\${username}"
              "cert_common_name" = "\${cert_common_name}"
              "action" = "\${action}"
              "topic" = "\${topic}"
              "qos" = "\${qos}"
              "retain" = "\${retain}"
              "fingerprint" = "\${client_attrs.fingerprint}"
            }
            ## The hub answers within 4 s.
            request_timeout = "5s"
            connect_timeout = "5s"
            pool_size = 8
            enable_pipelining = 100
            ssl {
              enable = true
              verify = verify_peer
              cacertfile = "/etc/certs/hub-ca.pem"
            }
          }
        ]
      }
      "
    `)
  })

  it.each([
    [
      '5.0',
      {
        enable: 'enabled',
        certificate: '${username}',
        fingerprint: false,
        qos: false,
        cache: false,
        tickets: false,
        crl: false,
      },
    ],
    [
      '5.0.22',
      {
        enable: 'enabled',
        certificate: '${username}',
        fingerprint: false,
        qos: false,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.1',
      {
        enable: 'enable',
        certificate: '${username}',
        fingerprint: false,
        qos: false,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.6',
      {
        enable: 'enable',
        certificate: '${username}',
        fingerprint: false,
        qos: true,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.7.0',
      {
        enable: 'enable',
        certificate: '${username}',
        fingerprint: true,
        qos: true,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.7',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.8',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: false,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.9',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: false,
        crl: true,
      },
    ],
    [
      '5.10',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: false,
        crl: true,
      },
    ],
    [
      '6.0',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: false,
        crl: true,
      },
    ],
    [
      '6.0.2',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: true,
        crl: true,
      },
    ],
    [
      '6.2',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: true,
        crl: true,
      },
    ],
    [
      '6.3',
      {
        enable: 'enable',
        certificate: '${cert_pem}',
        fingerprint: true,
        qos: true,
        cache: true,
        tickets: true,
        crl: true,
      },
    ],
  ] as const)('says to %s what it understands', (version, expected) => {
    const text = emqxConfig({ ...options, version })
    const authenticator = text.slice(text.indexOf('authentication = ['), text.indexOf('authorization {'))
    expect({
      enable: /listeners\.tcp\.default\.(\w+) = false/.exec(text)?.[1],
      certificate: /"cert_pem" = "([^"]*)"/.exec(authenticator)?.[1],
      fingerprint: text.includes('"fingerprint" = "${client_attrs.fingerprint}"'),
      qos: text.includes('"qos" = "${qos}"') && text.includes('"retain" = "${retain}"'),
      cache: text.includes('authentication_settings.node_cache.enable = false'),
      tickets: text.includes('session_tickets = disabled'),
      crl: text.includes('enable_crl_check = false'),
    }).toEqual(expected)
    // The user name is the certificate, or it is the client's own: never both.
    expect(text.includes('mqtt.peer_cert_as_username = pem')).toBe(expected.certificate === '${username}')
    expect(text.includes('"username" = "${username}"')).toBe(expected.certificate !== '${username}')
    expect(text).toMatch(/verify = verify_peer\n[^\n]*\n\s+fail_if_no_peer_cert = true/)
    expect(text).toContain('no_match = deny')
  })

  it('renders plain http without ssl, another bind, pool, TLS, keys, and the CRL check', () => {
    const text = emqxConfig({
      version: '6.0.3',
      authUrl: 'http://127.0.0.1:3000/validate',
      authorizeUrl: 'http://127.0.0.1:3000/authorize',
      listener: { ...options.listener, bind: '127.0.0.1:8884', tlsVersions: ['tlsv1.3'], proxyProtocol: true },
      crlCheck: 'der',
      crlCache: { refreshSeconds: 60, capacity: 1000, fetchSeconds: 3 },
      poolSize: 32,
      pipelining: 10,
      bodyKeys: { cert_pem: 'pem' },
    })
    expect(text).not.toContain('ssl {')
    for (const line of [
      'bind = "127.0.0.1:8884"',
      'proxy_protocol = true',
      'versions = ["tlsv1.3"]',
      'enable_crl_check = true',
      'refresh_interval = "60s"',
      'http_timeout = "3s"',
      'capacity = 1000',
      'pool_size = 32',
      'enable_pipelining = 10',
      '"pem" = "${cert_pem}"',
    ]) {
      expect(text).toContain(`${line}\n`)
    }
    expect(text).not.toContain('x-secret')
  })

  it('checks CRLs in PEM where a release loses those in DER', () => {
    for (const version of ['5.0.22', '5.8.9', '5.10.4', '6.0.2', '6.1.1', '6.2.0', '6.1'] as const) {
      expect(() => emqxConfig({ ...options, version, crlCheck: 'der' })).toThrow('must be "pemFirst"')
      expect(emqxConfig({ ...options, version, crlCheck: 'pemFirst' })).toContain('enable_crl_check = true')
    }
    for (const version of ['6.0.3', '6.1.2', '6.2.1', '6.3'] as const) {
      expect(emqxConfig({ ...options, version, crlCheck: 'der' })).toContain('enable_crl_check = true')
    }
    expect(() => emqxConfig({ ...options, version: '5.0', crlCheck: 'pemFirst' })).toThrow('5.0.22')
  })

  it('takes PROXY protocol only where the certificate survives it', () => {
    const listener = { ...options.listener, proxyProtocol: true }
    for (const version of ['5.10.4', '6.0', '6.0.2', '6.1.1', '6.2.0'] as const) {
      expect(() => emqxConfig({ ...options, version, listener })).toThrow('"listener.proxyProtocol"')
    }
    expect(emqxConfig({ ...options, version: '6.2.1', listener })).toContain('proxy_protocol = true')
  })

  it.each([
    ['a version that is not there', { version: '7.0' }],
    ['a line that is not there', { version: '5.11' }],
    ['a version that is none', { version: '5.08' }],
    ['a version without a minor', { version: '5' }],
    ['a release that takes every 200 for allow', { version: '5.0.0' }],
    ['a release that refuses clients without a user name', { version: '5.0.8' }],
    ['EMQX 3', { version: '3.1' }],
    ['no version', { version: undefined }],
    ['no URL', { authUrl: 'localhost:3000' }],
    ['another scheme', { authorizeUrl: 'ftp://hub/authorize' }],
    ['a password in a URL', { authUrl: 'https://u:p@hub/validate' }],
    ['a fragment', { authUrl: 'https://hub/validate#x' }],
    ['a placeholder in a URL', { authUrl: 'https://hub/?x=${clientid}' }],
    ['http over a public network', { authUrl: 'http://hub.example/validate' }],
    ['https without a CA', { serverCaFile: undefined }],
    ['a header with a line end', { secretHeader: { name: 'x-secret', value: 'a\nb' } }],
    ['a header with a placeholder', { secretHeader: { name: 'x-secret', value: '${username}' } }],
    ['a header name that is none', { secretHeader: { name: 'x: y', value: 'a' } }],
    ['the content type as secret', { secretHeader: { name: 'Content-Type', value: 'a' } }],
    ['an empty path', { listener: { ...options.listener, caFile: '' } }],
    ['a path with a line end', { listener: { ...options.listener, keyFile: 'a\u2028' } }],
    ['an old TLS', { listener: { ...options.listener, tlsVersions: ['tlsv1.1'] } }],
    ['no TLS', { listener: { ...options.listener, tlsVersions: [] } }],
    ['an empty pool', { poolSize: 0 }],
    ['half a pipeline', { pipelining: 0.5 }],
    ['a CRL check of what nobody knows', { crlCheck: true }],
    ['a refresh below EMQX’s own floor', { crlCheck: 'pemFirst', crlCache: { refreshSeconds: 59 } }],
    ['a fetch as long as a handshake', { crlCheck: 'pemFirst', crlCache: { fetchSeconds: 15 } }],
    ['an unknown key', { bodyKeys: { pem: 'x' } }],
  ])('refuses %s', (_, change) => {
    expect(() => emqxConfig({ ...options, ...change } as never)).toThrow(TypeError)
  })
})

describe('emqxConfig for EMQX 4.4', () => {
  const of4 = { ...options, version: '4.4', secretHeader: { name: 'X-Secret', value: 'a "quoted" secret' } } as const
  it('renders the files', () => {
    expect(emqxConfig(of4).emqxConf).toMatchInlineSnapshot(`
      "## EMQX 4.4: the certificate is the identity.
      allow_anonymous = false
      acl_nomatch = deny
      acl_deny_action = ignore
      enable_acl_cache = off
      ## Asked when the hook does not answer; the one that comes with EMQX ends in {allow, all}.
      acl_file = etc/fleetcert-acl.conf
      zone.external.allow_anonymous = false
      zone.external.enable_acl = on
      zone.internal.allow_anonymous = false
      zone.internal.enable_acl = on
      zone.internal.bypass_auth_plugins = false

      listener.ssl.external = 0.0.0.0:8883
      ## Without fail_if_no_peer_cert a client that shows no certificate is let in by the handshake. No variable of the plugin holds the certificate; as user name it reaches the hook whole.
      listener.ssl.external.zone = external
      listener.ssl.external.cacertfile = /etc/certs/ca-cert.pem
      listener.ssl.external.certfile = /etc/certs/server-cert.pem
      listener.ssl.external.keyfile = /etc/certs/server-key.pem
      listener.ssl.external.verify = verify_peer
      listener.ssl.external.fail_if_no_peer_cert = true
      listener.ssl.external.tls_versions = tlsv1.3,tlsv1.2
      listener.ssl.external.peer_cert_as_username = pem
      ## A resumed session would skip the certificate check.
      listener.ssl.external.reuse_sessions = off

      ## The emqx.conf that comes with EMQX starts these, and a line cannot be taken back: not beyond this machine.
      listener.tcp.external = 127.0.0.1:1883
      listener.ws.external = 127.0.0.1:8083
      listener.wss.external = 127.0.0.1:8084
      listener.wss.external.zone = external
      listener.wss.external.cacertfile = /etc/certs/ca-cert.pem
      listener.wss.external.certfile = /etc/certs/server-cert.pem
      listener.wss.external.keyfile = /etc/certs/server-key.pem
      listener.wss.external.verify = verify_peer
      listener.wss.external.fail_if_no_peer_cert = true
      listener.wss.external.tls_versions = tlsv1.3,tlsv1.2
      listener.wss.external.peer_cert_as_username = pem
      "
    `)
    expect(emqxConfig(of4).pluginConf).toMatchInlineSnapshot(`
      "## EMQX 4.4: we are asked, and nobody else.
      auth.http.auth_req.url = https://hub.example:8443/api/devices/certificates/validate
      auth.http.auth_req.method = post
      auth.http.auth_req.headers.content_type = application/json
      auth.http.auth_req.headers.x-secret = a "quoted" secret
      auth.http.auth_req.params = clientid=%c,ipaddr=%a,certificate=%u,common_name=%C,subject=%d

      auth.http.acl_req.url = https://hub.example:8443/api/devices/certificates/authorize
      auth.http.acl_req.method = post
      auth.http.acl_req.headers.content_type = application/json
      auth.http.acl_req.headers.x-secret = a "quoted" secret
      auth.http.acl_req.params = clientid=%c,certificate=%u,common_name=%C,access=%A,topic=%t

      ## The hub answers within 4 s.
      auth.http.timeout = 5s
      auth.http.connect_timeout = 5s
      auth.http.pool_size = 8
      auth.http.enable_pipelining = 100
      auth.http.ssl.cacertfile = /etc/certs/hub-ca.pem
      auth.http.ssl.verify = true
      "
    `)
    expect(emqxConfig(of4).aclConf).toBe('{deny, all}.\n')
  })
  it('lists the CRLs, which 4.4 fetches from nowhere else', () => {
    const { emqxConf } = emqxConfig({ ...of4, version: '4.4.11', crlUrls: ['http://a/1.pem', 'http://a/2.pem'] })
    expect(emqxConf).toContain('listener.ssl.external.enable_crl_check = true\n')
    expect(emqxConf).toContain('listener.ssl.external.crl_cache_urls = http://a/1.pem,http://a/2.pem\n')
  })
  it('asks a hub of a private network over http', () => {
    const { pluginConf } = emqxConfig({ ...of4, authUrl: 'http://hub/a', authorizeUrl: 'http://hub/b' })
    expect(pluginConf).not.toContain('ssl')
  })
  it.each([
    ['a # in a value', { secretHeader: { name: 'x-a', value: 'a#b' } }],
    ['another key in a value', { listener: { ...options.listener, caFile: '$(platform_etc_dir)/x' } }],
    ['outer spaces', { serverCaFile: ' x' }],
    ['a value that is not ASCII', { serverCaFile: 'é' }],
    ['the acl.conf that allows', { aclFile: '/opt/emqx/etc/acl.conf' }],
    ['CRLs in a release that has none', { version: '4.4.10', crlUrls: ['http://a/1.pem'] }],
    ['CRLs over https', { version: '4.4.19', crlUrls: ['https://a/1.pem'] }],
    ['two CRLs in one', { version: '4.4.19', crlUrls: ['http://a/1.pem,http://b'] }],
    ['https without a CA', { serverCaFile: undefined }],
    ['EMQX 4.3', { version: '4.3' }],
  ])('refuses %s', (_, change) => {
    expect(() => emqxConfig({ ...of4, ...change } as never)).toThrow(TypeError)
  })
})

describe('releases', () => {
  it('are compared by line and backport', () => {
    const has = (version: string, ...since: string[]): boolean => hasSince(parseEmqxVersion(version)!, ...since)
    expect(
      ['6.0.2', '6.0.3', '6.1.1', '6.1.2', '6.2', '6.2.1', '6.3', '5.10.4'].map(one =>
        has(one, '6.0.3', '6.1.2', '6.2.1'),
      ),
    ).toEqual([false, true, false, true, false, true, true, false])
    expect(['5.8.5', '5.8.6', '5.9', '6.0', '5.7'].map(one => has(one, '5.8.6', '5.9.0'))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    expect(['5.9', '5.10', '5.2'].map(one => has(one, '5.10.0'))).toEqual([false, true, false])
  })
  it('know placeholders', () => {
    const of = (version: string) => parseEmqxVersion(version)!
    expect(fillsPlaceholder(of('5.7.1'), 'authenticator', 'cert_pem')).toBe(true)
    expect(fillsPlaceholder(of('5.7.0'), 'authenticator', 'cert_pem')).toBe(false)
    expect(fillsPlaceholder(of('6.2'), 'authenticator', 'topic')).toBe(false)
    expect(fillsPlaceholder(of('6.2'), 'authorizer', 'constructor')).toBe(false)
    expect(placeholderSince('authorizer', 'client_attrs.a')).toBe('5.7.0')
    expect(placeholderSince('authorizer', 'client_attrs.')).toBeUndefined()
  })
})

it('knows hosts of a private network', () => {
  const hosts = [
    'localhost',
    'hub',
    'hub.internal',
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.0.1',
    '192.168.1.1',
    '[::1]',
    '[fd00::1]',
    '[fe80::1]',
  ]
  expect(hosts.filter(host => !isPrivateHost(host))).toEqual([])
  const open = [
    '',
    'hub.example',
    '8.8.8.8',
    '172.32.0.1',
    '[2001:db8::1]',
    '100.example',
    'fd00.example',
    '127.0.0.1.example',
  ]
  expect(open.filter(isPrivateHost)).toEqual([])
})
