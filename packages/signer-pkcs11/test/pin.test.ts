import { type Pkcs11Keyring, type Pkcs11KeyringOptions, pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { type FaultyModule, makeFaultyModule } from './support/faulty-module.ts'
import { makeSoftHsm, pin, type SoftHsm } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'cc'], 'the PIN', () => {
  let hsm: SoftHsm
  let faulty: FaultyModule
  let opened: Pkcs11Keyring[] = []
  const open = (options: Partial<Pkcs11KeyringOptions> = {}): Pkcs11Keyring => {
    const keyring = pkcs11Keyring({ module: faulty.module, tokenLabel: 'fleet', pin, sessions: 4, ...options })
    opened.push(keyring)
    return keyring
  }
  const refused = (reason: string) => ({ code: 'ERR_PKI_HSM_PIN', details: { reason } })
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
    faulty = makeFaultyModule(hsm)
  })
  afterEach(async () => {
    await Promise.all(opened.map(keyring => keyring.close()))
    opened = []
    hsm.remove()
  })

  it('is used once, for all sessions and all keyrings', async () => {
    const keyring = open()
    const signer = await keyring.create('ca', 'P-256')
    await Promise.all(Array.from({ length: 200 }, () => signer.sign(Buffer.from('x'))))
    await open({ pin: 'whatever' }).open('ca')
    expect(faulty.calls('C_Login')).toBe(1)
  })

  it('a wrong one is tried once, by however many callers and keyrings', async () => {
    const [one, two] = [open({ pin: '9999' }), open({ pin: async () => '9999' })]
    const calls = [one, one, one, two, two].flatMap(keyring => [
      keyring.list(),
      keyring.open('ca'),
      keyring.create('ca', 'P-256'),
    ])
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'fulfilled'))).toEqual(
      calls.map(() => 'ERR_PKI_HSM_PIN'),
    )
    await expect(one.list()).rejects.toMatchObject(
      refused('the token has refused this PIN before; it is not tried again'),
    )
    expect(faulty.calls('C_Login')).toBe(1)
    await Promise.all([one.close(), two.close()])
    await expect(open({ pin: '9999' }).list()).rejects.toMatchObject({ code: 'ERR_PKI_HSM_PIN' })
    expect(faulty.calls('C_Login')).toBe(1)
    // Whoever has the right one is let in all the same.
    expect(await open().list()).toEqual([])
  })

  it('is not in any error', async () => {
    const error = await open({ pin: 'not-the-pin' })
      .list()
      .catch((error: unknown) => error)
    expect(
      JSON.stringify([error, (error as Error).message, (error as Error).stack, (error as Error).cause]),
    ).not.toContain('not-the-pin')
  })

  it.each([
    [
      0x20000,
      'pinAtRisk',
      'one try is left before the token locks itself: log in once by other means, with the right PIN',
    ],
    [0x40000, 'locked', 'CKR_PIN_LOCKED'],
  ])('is not tried where the flags of the token are %i', async (flags, _, reason) => {
    faulty.set('flags', flags.toString(16))
    const keyring = open()
    await expect(keyring.list()).rejects.toMatchObject(refused(reason))
    await expect(keyring.list()).rejects.toMatchObject(refused(reason))
    expect(faulty.calls('C_Login')).toBe(0)
    // Made good by the operator: nothing needs to be started anew.
    faulty.clear('flags')
    expect(await keyring.list()).toEqual([])
  })

  it('the token says that it is locked', async () => {
    faulty.set('C_Login', 'rv a4')
    const keyring = open()
    await expect(keyring.list()).rejects.toMatchObject(refused('CKR_PIN_LOCKED'))
    faulty.clear('C_Login')
    expect(await keyring.list()).toEqual([])
  })

  it('a function is asked at each login, and what it does wrong is said', async () => {
    let asked = 0
    const keyring = open({
      pin: async () => {
        asked += 1
        if (asked === 1) throw new Error('no terminal')
        return asked === 2 ? '' : pin
      },
    })
    await expect(keyring.list()).rejects.toMatchObject(refused('it could not be asked for'))
    await expect(keyring.list()).rejects.toMatchObject(refused('none was given'))
    expect(await keyring.list()).toEqual([])
    expect(await keyring.list()).toEqual([])
    expect(asked).toBe(3)
  })
})
