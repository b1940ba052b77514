import { describe, expect, it } from 'vitest'
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

describe('emqxConfig', () => {
  it('renders the whole', () => {
    expect(emqxConfig(options)).toMatchInlineSnapshot(`
      "## EMQX 5.8: the certificate is the identity.

      listeners.ssl.default {
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
          headers { "content-type" = "application/json", "x-secret" = "a \\"quoted\\" \\\\ secret" }
          body { "clientid" = "\${clientid}", "username" = "\${username}", "peerhost" = "\${peerhost}", "cert_pem" = "\${cert_pem}", "cert_common_name" = "\${cert_common_name}", "cert_subject" = "\${cert_subject}" }
          request_timeout = "5s"
          pool_size = 8
          ssl { enable = true, verify = verify_peer, cacertfile = "/etc/certs/hub-ca.pem" }
        }
      ]

      authorization {
        ## The default is allow, also for a source that is down.
        no_match = deny
        deny_action = ignore
        cache.enable = false
        sources = [
          {
            type = http
            method = post
            url = "https://hub.example:8443/api/devices/certificates/authorize"
            headers { "content-type" = "application/json", "x-secret" = "a \\"quoted\\" \\\\ secret" }
            body { "clientid" = "\${clientid}", "username" = "\${username}", "cert_common_name" = "\${cert_common_name}", "action" = "\${action}", "topic" = "\${topic}", "qos" = "\${qos}", "retain" = "\${retain}" }
            request_timeout = "5s"
            pool_size = 8
            ssl { enable = true, verify = verify_peer, cacertfile = "/etc/certs/hub-ca.pem" }
          }
        ]
      }
      "
    `)
  })
  it('sends what EMQX 5.7 knows', () => {
    const text = emqxConfig({ ...options, version: '5.7' })
    expect(text).not.toMatch(/\$\{(qos|retain)\}/)
    expect(text).toContain('"topic" = "${topic}"')
  })
  it('renders plain http without ssl, another bind, pool, keys, and the CRL check', () => {
    const text = emqxConfig({
      version: '5.8',
      authUrl: 'http://127.0.0.1:3000/validate',
      authorizeUrl: 'http://127.0.0.1:3000/authorize',
      listener: { ...options.listener, bind: '127.0.0.1:8884' },
      crlCheck: true,
      poolSize: 32,
      bodyKeys: { cert_pem: 'pem' },
    })
    expect(text).not.toContain('ssl {')
    expect(text).toContain('bind = "127.0.0.1:8884"')
    expect(text).toContain('enable_crl_check = true')
    expect(text).toContain('pool_size = 32')
    expect(text).toContain('"pem" = "${cert_pem}"')
    expect(text).toContain('headers { "content-type" = "application/json" }')
  })
  it.each([
    ['another version', { version: '5.9' }],
    ['EMQX 4', { version: '4.4' }],
    ['no URL', { authUrl: 'localhost:3000' }],
    ['another scheme', { authorizeUrl: 'ftp://hub/authorize' }],
    ['a password in a URL', { authUrl: 'https://u:p@hub/validate' }],
    ['a fragment', { authUrl: 'https://hub/validate#x' }],
    ['a placeholder in a URL', { authUrl: 'https://hub/${clientid}' }],
    ['https without a CA', { serverCaFile: undefined }],
    ['a header with a line end', { secretHeader: { name: 'x-secret', value: 'a\nb' } }],
    ['a header with a placeholder', { secretHeader: { name: 'x-secret', value: '${username}' } }],
    ['a header name that is none', { secretHeader: { name: 'x: y', value: 'a' } }],
    ['the content type as secret', { secretHeader: { name: 'Content-Type', value: 'a' } }],
    ['an empty path', { listener: { ...options.listener, caFile: '' } }],
    ['a path with a line end', { listener: { ...options.listener, keyFile: 'a\n' } }],
    ['an empty pool', { poolSize: 0 }],
    ['an unknown key', { bodyKeys: { pem: 'x' } }],
  ])('refuses %s', (_, change) => {
    expect(() => emqxConfig({ ...options, ...change } as never)).toThrow(TypeError)
  })
})
