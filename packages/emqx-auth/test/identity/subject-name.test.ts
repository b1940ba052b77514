import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { commonNamesOf, reportedName } from '../../src/subject-name.ts'
import { anyClientId, commonNameAlone } from '../../src/unsafe.ts'
import { fakeDer, type StubDevice, stubFleet } from '../support/stub-fleet.ts'

describe('commonNamesOf', () => {
  it.each([
    ['CN=device-0001,OU=Devices,O=Acme\\, Inc.', ['device-0001']],
    ['CN=leaf-1,SERIALNUMBER=SN42', ['leaf-1']],
    ['O=Only Org', []],
    ['CN=b,CN=a', ['b', 'a']],
    ['CN=a+OU=x,O=y', ['a']],
    ['OU=x+CN=a,2.5.4.3=b', ['a', 'b']],
    ['O=x\\,CN=evil,CN=d1', ['d1']],
    ['O=x\\2cCN=evil,CN=d1', ['d1']],
    ['CN=client\\C3\\A4', ['clientä']],
    ['CN=\\#a\\ ', ['#a ']],
    ['CN=a=b', ['a=b']],
    ['CN=', ['']],
    ['cn=a', ['a']],
    ['CN=😀', ['😀']],
  ])('reads %s', (subject, names) => {
    expect(commonNamesOf(subject)).toEqual(names)
  })
  it.each([
    '',
    'd1',
    'CN',
    'CN=a,',
    'CN=a,,O=x',
    '=a',
    'CN=a"b',
    'CN=a;O=b',
    'CN=a\\',
    'CN=\\zz',
    'CN=\\C3',
    'C N=a',
    ' CN=a',
    '1.=a',
    `CN=${'a'.repeat(4096)}`,
  ])('refuses %j', subject => expect(commonNamesOf(subject)).toBeUndefined())
  it('takes any text without a throw, and no time', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('C', 'N', '=', ',', '+', '\\', 'a', '2', 'é', '"') }), subject => {
        expect(['undefined', 'object']).toContain(typeof commonNamesOf(subject))
      }),
    )
    for (const piece of ['CN=a,', '\\', 'a=', '+']) commonNamesOf(piece.repeat(4096 / piece.length))
  })
})

describe('reportedName', () => {
  it.each([
    [{ commonName: 'd1', subject: 'CN=d1,O=x' }, { name: 'd1' }],
    [{ commonName: 'd1' }, { name: 'd1' }],
    [{}, { refused: 'noCertificate' }],
    [{ commonName: '', subject: '' }, { refused: 'noCertificate' }],
    [{ commonName: 'd1,d2', subject: 'CN=d2,CN=d1' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'd1', subject: 'CN=d1,CN=d1' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'd1', subject: 'CN=d2' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'd1', subject: 'O=x' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'd1', subject: '' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'd1', subject: 'd1' }, { refused: 'proxiedName' }],
    [{ commonName: 'a b', subject: 'CN=a b' }, { refused: 'nameAmbiguous' }],
    [{ commonName: 'validate', subject: 'CN=validate' }, { refused: 'nameAmbiguous' }],
  ])('%j', (names, expected) => expect(reportedName(names)).toEqual(expected))
})

describe('commonNameAlone', () => {
  const setUp = (device: Partial<StubDevice> = {}, options: object = {}) =>
    createBrokerAuth({
      fleet: stubFleet([{ deviceId: 'd1', der: fakeDer('d1'), ...device }]),
      clock: () => new Date('2026-06-01T00:00:00Z'),
      identifyBy: commonNameAlone,
      ...options,
    })
  const names = { clientId: 'd1', commonName: 'd1', subject: 'CN=d1' }

  it('lets a device in by its name, and by nothing less', async () => {
    expect(await setUp().authenticate(names)).toMatchObject({ result: 'allow', deviceId: 'd1', acl: expect.any(Array) })
    expect(await setUp().authenticate({ ...names, clientId: 'd1/tool' })).toMatchObject({ result: 'allow' })
    for (const [change, reason] of [
      [{ clientId: 'd2' }, 'clientIdNotBound'],
      [{ clientId: '' }, 'clientIdEmpty'],
      [{ commonName: 'd2', subject: 'CN=d2' }, 'deviceUnknown'],
      [{ subject: 'd1' }, 'proxiedName'],
      [{ commonName: '' }, 'noCertificate'],
    ] as const) {
      expect(await setUp().authenticate({ ...names, ...change })).toMatchObject({ result: 'deny', reason })
    }
  })
  it.each(['revoked', 'held', 'superseded', 'expired', 'notYetValid'] as const)('denies what is %s', async status => {
    expect(await setUp({ status }).authenticate(names)).toMatchObject({ result: 'deny', reason: status })
  })
  it('knows no pinned device, whose name anybody can bear', async () => {
    expect(await setUp({ state: 'pinned' }).authenticate(names)).toEqual({
      result: 'deny',
      reason: 'nameAlone',
      deviceId: 'd1',
    })
  })
  it('looks at the certificate where there is one', async () => {
    const der = fakeDer('stranger')
    expect(await setUp().authenticate({ ...names, certificate: { der } })).toMatchObject({
      reason: 'certificateUnknown',
    })
  })
  it('has to be said', async () => {
    expect(await setUp({}, { identifyBy: 'certificate' }).authenticate(names)).toEqual({
      result: 'deny',
      reason: 'noCertificate',
    })
    for (const identifyBy of ['commonName', true, Symbol('commonNameAlone')]) {
      expect(() => setUp({}, { identifyBy })).toThrow(TypeError)
    }
  })
  it('is what any client id needs before a topic is allowed by name', async () => {
    const ask = { clientId: 'x', deviceId: 'd1', action: 'publish', topic: 'devices/d1/x' } as const
    expect(await setUp({}, { bind: anyClientId }).authorize(ask)).toEqual({ result: 'allow' })
    expect(await setUp({}, { bind: anyClientId, identifyBy: 'certificate' }).authorize(ask)).toEqual({
      result: 'deny',
      reason: 'nameAlone',
    })
  })
})

describe('user names', () => {
  const certificate = { der: fakeDer('d1') }
  const auth = (username: string) =>
    createBrokerAuth({
      fleet: stubFleet([{ deviceId: 'd1', der: certificate.der }]),
      clock: () => new Date('2026-06-01T00:00:00Z'),
      bind: { username } as never,
    })
  it.each([
    ['ignored', 'd2', true],
    ['ignored', undefined, true],
    ['deviceId', 'd1', true],
    ['deviceId', 'd2', false],
    ['deviceId', 'd1/tool', false],
    ['deviceId', '', false],
    ['deviceId', undefined, false],
    ['deviceIdOrNone', 'd1', true],
    ['deviceIdOrNone', '', true],
    ['deviceIdOrNone', undefined, true],
    ['deviceIdOrNone', 'D1', false],
  ])('%s: %s: %s', async (binding, username, isAllowed) => {
    const input = { clientId: 'd1', certificate, ...(username === undefined ? {} : { username }) }
    const expected = isAllowed ? { result: 'allow' } : { result: 'deny', reason: 'usernameNotBound' }
    expect(await auth(binding).authenticate(input)).toMatchObject(expected)
    expect(await auth(binding).authorize({ ...input, action: 'publish', topic: 'devices/d1/x' })).toEqual(expected)
  })
  it('are bound beside the client id, which keeps its default', async () => {
    expect(await auth('deviceId').authenticate({ clientId: 'd2', username: 'd1', certificate })).toMatchObject({
      reason: 'clientIdNotBound',
    })
  })
  it.each([{ username: 'any' }, { clientId: 'any' }, 7])('refuses the binding %j', bind => {
    expect(() => createBrokerAuth({ fleet: stubFleet([]), bind: bind as never })).toThrow(TypeError)
  })
})
