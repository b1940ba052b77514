import type { CertificateProfile, CertificateProfiles, OpenFleetOptions } from '@fleetcert/core'
import { endlessNotAfter } from '@fleetcert/x509'
import { describe, expect, it } from 'vitest'
import { builtInProfiles, isBuiltInProfile } from '../../src/authority/profile.ts'
import { resolveProfile } from '../../src/authority/resolve-profile.ts'
import { validityAt } from '../../src/authority/validity.ts'

const day = 86_400

describe('resolveProfile', () => {
  it('leaves a built-in profile as it is', () => {
    for (const name of ['root', 'issuingCa', 'device', 'service', 'server', 'ocspResponder'] as const) {
      expect(isBuiltInProfile(name)).toBe(true)
      expect(resolveProfile(name, name)).toEqual(builtInProfiles[name])
    }
    expect(isBuiltInProfile('toString')).toBe(false)
  })

  it('puts the changes in', () => {
    expect(
      resolveProfile(
        'sensor',
        'device',
        {
          kind: 'device',
          validitySeconds: 60,
          backdateSeconds: 0,
          subject: { OU: ['A', 'B'], C: 'DE', L: 'Ulm', ST: 'BW' },
          keys: ['P-384'],
          keyUsage: ['keyAgreement', 'nonRepudiation'],
          extendedKeyUsage: ['1.2.3.4', '1.3.6.1.5.5.7.3.2', '1.2.3.4'],
        },
        'Acme',
      ),
    ).toEqual({
      name: 'sensor',
      role: 'device',
      validitySeconds: 60,
      backdateSeconds: 0,
      subject: [
        [{ type: 'C', value: 'DE' }],
        [{ type: 'ST', value: 'BW' }],
        [{ type: 'L', value: 'Ulm' }],
        [{ type: 'O', value: 'Acme' }],
        [{ type: 'OU', value: 'A' }],
        [{ type: 'OU', value: 'B' }],
      ],
      keyRules: { keys: ['P-384'], rsaMinimumBits: 2048 },
      keyUsage: ['digitalSignature', 'keyAgreement', 'nonRepudiation'],
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '1.2.3.4'],
    })
    expect(resolveProfile('s', 'server', { kind: 'server', clientAuth: true }).extendedKeyUsage).toHaveLength(2)
    expect(resolveProfile('s', 'server', { clientAuth: false }).extendedKeyUsage).toHaveLength(1)
    expect(resolveProfile('birth', 'device', { endless: true })).toMatchObject({ endless: true })
    expect(resolveProfile('d', 'device', { subject: { O: 'Other' } }, 'Acme').subject).toEqual([
      [{ type: 'O', value: 'Other' }],
    ])
  })

  it.each<[string, 'device' | 'service' | 'server' | 'root', unknown]>([
    ['no object', 'device', 'year'],
    ['null', 'device', null],
    ['a misspelt member', 'device', { validitySecond: 60 }],
    ['a kind of another base', 'device', { kind: 'server' }],
    ['no such kind', 'server', { kind: 'broker' }],
    ['59 seconds', 'device', { validitySeconds: 59 }],
    ['half a second', 'device', { validitySeconds: 60.5 }],
    ['a number in a string', 'device', { validitySeconds: '3600' }],
    ['NaN', 'device', { validitySeconds: Number.NaN }],
    ['more than a hundred years', 'root', { validitySeconds: 100 * 366 * day + 1 }],
    ['negative back-dating', 'device', { backdateSeconds: -1 }],
    ['back-dating by more than a day', 'device', { backdateSeconds: day + 1 }],
    ['an end and none', 'device', { endless: true, validitySeconds: 60 }],
    ['endless false', 'device', { endless: false }],
    ['an endless server', 'server', { endless: true }],
    ['an endless service', 'service', { endless: true }],
    ['an endless root', 'root', { endless: true }],
    ['no keys', 'device', { keys: [] }],
    ['unknown keys', 'device', { keys: ['P-521'] }],
    ['keys that are no list', 'device', { keys: 'RSA' }],
    ['RSA bits without RSA', 'device', { keys: ['P-256'], rsaMinimumBits: 3072 }],
    ['RSA of 1024 bits', 'device', { rsaMinimumBits: 1024 }],
    ['RSA of 8192 bits', 'device', { rsaMinimumBits: 8192 }],
    ['keyAgreement for all keys', 'device', { keyUsage: ['keyAgreement'] }],
    ['keyAgreement for Ed25519', 'device', { keys: ['P-256', 'Ed25519'], keyUsage: ['keyAgreement'] }],
    ['keyEncipherment for EC', 'server', { keys: ['P-256'], keyUsage: ['keyEncipherment'] }],
    ['keyEncipherment for all keys', 'server', { keyUsage: ['keyEncipherment'] }],
    ['keyCertSign', 'device', { keyUsage: ['keyCertSign'] }],
    ['cRLSign', 'server', { keyUsage: ['cRLSign'] }],
    ['anyExtendedKeyUsage', 'device', { extendedKeyUsage: ['2.5.29.37.0'] }],
    ['OCSPSigning', 'device', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'] }],
    ['timeStamping', 'device', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.8'] }],
    ['a purpose by its name', 'device', { extendedKeyUsage: ['serverAuth'] }],
    ['a purpose that is no string', 'device', { extendedKeyUsage: [1] }],
    ['further purposes of a server', 'server', { extendedKeyUsage: ['1.2.3.4'] }],
    ['clientAuth in words', 'server', { clientAuth: 'yes' }],
    ['clientAuth of a device', 'device', { clientAuth: true }],
  ])('refuses %s', (_name, base, changes) => {
    expect(() => resolveProfile('x', base, changes as never)).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_PROFILE' }),
    )
  })

  it.each([
    ['no object', 'Acme'],
    ['an attribute that is not offered', { CN: 'device-1' }],
    ['a long country', { C: 'DEU' }],
    ['a small country', { C: 'de' }],
    ['a long state', { ST: 'x'.repeat(129) }],
    ['a long locality', { L: 'x'.repeat(129) }],
    ['a long organization', { O: 'x'.repeat(65) }],
    ['a long unit', { OU: ['x', 'x'.repeat(65)] }],
    ['an empty unit', { OU: '' }],
    ['a list of organizations', { O: ['a', 'b'] }],
    ['control characters', { O: 'a\nb' }],
    ['half a surrogate pair', { O: '\ud800' }],
    ['a number', { L: 5 }],
  ])('refuses a subject with %s', (_name, subject) => {
    expect(() => resolveProfile('x', 'device', { subject: subject as never })).toThrow(
      expect.objectContaining({ code: 'ERR_PKI_NAME' }),
    )
  })

  it('takes attributes up to their bounds', () => {
    const subject = { C: 'DE', ST: 'x'.repeat(128), L: 'ü'.repeat(128), O: '😀'.repeat(64), OU: 'x'.repeat(64) }
    expect(resolveProfile('x', 'device', { subject }).subject).toHaveLength(5)
  })
})

describe('what the types refuse', () => {
  // Each of these is refused at run time too, above. That they do not compile is tsc's to say: an unused directive is an error.
  it('is what cannot be combined', () => {
    const refused: readonly CertificateProfile[] = [
      // @ts-expect-error an end and none
      { endless: true, validitySeconds: 60 },
      // @ts-expect-error an endless server
      { kind: 'server', endless: true },
      // @ts-expect-error keyAgreement for keys that cannot agree
      { keys: ['RSA'], keyUsage: ['keyAgreement'] },
      // @ts-expect-error keyEncipherment for keys that cannot encipher
      { keys: ['P-256'], keyUsage: ['keyEncipherment'] },
      // @ts-expect-error and for keys of all kinds
      { keyUsage: ['keyEncipherment'] },
      // @ts-expect-error CAs are not made by profiles
      { keyUsage: ['keyCertSign'] },
      // @ts-expect-error further purposes of a server
      { kind: 'server', extendedKeyUsage: ['1.2.3.4'] },
      // @ts-expect-error clientAuth is what a device has
      { kind: 'device', clientAuth: true },
      // @ts-expect-error no such kind
      { kind: 'issuingCa' },
      // @ts-expect-error no such key
      { keys: ['P-521'] },
      // @ts-expect-error no such attribute
      { subject: { CN: 'device-1' } },
    ]
    const services: readonly CertificateProfiles[] = [
      // @ts-expect-error a service ends
      { service: { endless: true } },
      // @ts-expect-error the kind of `server` is known
      { server: { kind: 'device' } },
      // @ts-expect-error as is that of `device`
      { device: { kind: 'server' } },
    ]
    expect([...refused, ...services]).toHaveLength(14)
  })

  it('and not what can', () => {
    const profiles: NonNullable<OpenFleetOptions['profiles']> = {
      device: { validitySeconds: 60 },
      service: { keys: ['Ed25519'] },
      server: { clientAuth: true, keys: ['RSA'], rsaMinimumBits: 3072, keyUsage: ['keyEncipherment'] },
      birth: { kind: 'device', endless: true, extendedKeyUsage: ['1.2.3.4'] },
      bridge: { kind: 'server', clientAuth: true },
      'sensor-7d': { validitySeconds: 7 * day, subject: { C: 'DE', OU: ['a', 'b'] } },
      agreeing: { keys: ['P-256', 'P-384'], keyUsage: ['keyAgreement', 'nonRepudiation'] },
    }
    for (const [name, profile] of Object.entries(profiles)) {
      const base = name === 'server' || profile?.kind === 'server' ? 'server' : 'device'
      expect(() => resolveProfile(name, base, profile)).not.toThrow()
    }
  })
})

describe('validityAt', () => {
  const now = new Date('2026-11-21T12:00:00.700Z')
  const issuer = { notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') }
  const endless = resolveProfile('birth', 'device', { endless: true })
  const minute = resolveProfile('minute', 'device', { validitySeconds: 60, backdateSeconds: 10 })

  it('lasts a minute, less the second that is counted in', () => {
    expect(validityAt(now, minute, undefined, issuer)).toEqual({
      notBefore: new Date('2026-11-21T11:59:50Z'),
      notAfter: new Date('2026-11-21T12:00:59Z'),
    })
  })

  it('has no end in an endless profile, whatever the issuer has', () => {
    expect(validityAt(now, endless, undefined, issuer).notAfter).toEqual(endlessNotAfter)
    expect(validityAt(now, endless, undefined, issuer).notAfter).not.toBe(endlessNotAfter)
    expect(() => validityAt(now, endless, 3600, issuer)).toThrow(expect.objectContaining({ code: 'ERR_PKI_VALIDITY' }))
  })

  it('is not possible under an issuer that has expired', () => {
    for (const profile of [endless, minute]) {
      expect(() => validityAt(new Date('2036-01-01T00:00:00.500Z'), profile, undefined, issuer)).toThrow(
        expect.objectContaining({ code: 'ERR_PKI_VALIDITY' }),
      )
    }
  })

  it('begins no earlier than the issuer', () => {
    expect(validityAt(new Date('2026-01-01T00:01:00Z'), builtInProfiles.device, undefined, issuer).notBefore).toEqual(
      issuer.notBefore,
    )
  })
})
