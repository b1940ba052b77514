import { nameConstraints, toHex } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'

describe('nameConstraints', () => {
  it('is written as openssl writes it, critical', () => {
    const zeros = (length: number): Uint8Array => new Uint8Array(length)
    const extension = nameConstraints({
      permitted: [{ type: 'dns', value: 'invalid' }],
      excluded: [{ type: 'ip', address: zeros(4), mask: zeros(4) }],
    })
    // openssl asn1parse of `nameConstraints=critical,permitted;DNS:invalid,excluded;IP:0.0.0.0/0.0.0.0`
    expect(toHex(extension)).toBe('30270603551d1e0101ff041d301ba00b30098207696e76616c6964a10c300a87080000000000000000')
  })

  it('refuses what constrains nothing, and addresses without a fitting mask', () => {
    expect(() => nameConstraints({})).toThrow(TypeError)
    expect(() =>
      nameConstraints({ excluded: [{ type: 'ip', address: new Uint8Array(4), mask: new Uint8Array(16) }] }),
    ).toThrow(TypeError)
    expect(() => nameConstraints({ permitted: [{ type: 'dns', value: 'not a name' }] })).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_NAME' }),
    )
  })
})
