import { describe, expect, it } from 'vitest'
import { mosquittoConfig } from '../../src/mosquitto/index.ts'
import { anyClientId } from '../../src/unsafe.ts'

const options = { port: 8883, caFile: '/c/ca.pem', certFile: '/c/cert.pem', keyFile: '/c/key.pem', aclFile: '/c/acl' }

describe('mosquittoConfig', () => {
  it('renders the whole', () => {
    expect(mosquittoConfig({ ...options, host: '127.0.0.1', crlFile: '/c/crl.pem' })).toMatchInlineSnapshot(`
      "# Mosquitto 2.0: the certificate is the identity.
      per_listener_settings false
      allow_anonymous false
      acl_file /c/acl

      listener 8883 127.0.0.1
      cafile /c/ca.pem
      certfile /c/cert.pem
      keyfile /c/key.pem
      crlfile /c/crl.pem
      tls_version tlsv1.2
      require_certificate true
      use_identity_as_username true
      use_username_as_clientid true
      "
    `)
  })
  it('leaves out what is not given, and client ids alone only by the symbol', () => {
    const text = mosquittoConfig({ ...options, bind: anyClientId })
    expect(text).toContain('\nlistener 8883\n')
    expect(text).not.toMatch(/crlfile|use_username_as_clientid/)
  })
  it('speaks nothing older than it is told', () => {
    expect(mosquittoConfig({ ...options, tlsVersion: 'tlsv1.3' })).toContain('tls_version tlsv1.3\n')
  })
  it.each([
    ['an old TLS', { tlsVersion: 'tlsv1.1' }],
    ['no port', { port: 0 }],
    ['a port that is none', { port: 70_000 }],
    ['a path with a line end', { caFile: '/c/ca.pem\nallow_anonymous true' }],
    ['an empty path', { keyFile: '' }],
    ['a path that ends in a space', { certFile: '/c/cert.pem ' }],
    ['no ACL file', { aclFile: undefined }],
    ['a prefix binding', { bind: 'prefix' }],
    ['a host with a line end', { host: '::\nport 1883' }],
  ])('refuses %s', (_, change) => {
    expect(() => mosquittoConfig({ ...options, ...change } as never)).toThrow(TypeError)
  })
})
