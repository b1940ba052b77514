import { createPublicKey, verify } from 'node:crypto'
import { cpSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Signer } from '@fleetcert/core'
import { type Pkcs11Keyring, type Pkcs11KeyringOptions, pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { type FaultyModule, makeFaultyModule } from './support/faulty-module.ts'
import { makeSoftHsm, pin, type SoftHsm } from './support/softhsm.ts'

const message = Buffer.from('message')

describeWith(['softhsm2-util', 'pkcs11-tool', 'cc'], 'when sessions are lost', () => {
  let hsm: SoftHsm
  let faulty: FaultyModule
  let opened: Pkcs11Keyring[] = []
  const open = (options: Partial<Pkcs11KeyringOptions> = {}): Pkcs11Keyring => {
    const keyring = pkcs11Keyring({ module: faulty.module, tokenLabel: 'fleet', pin, sessions: 3, ...options })
    opened.push(keyring)
    return keyring
  }
  /** The module in this thread too, as another part of the process may use it. */
  const otherPart = () => {
    const { PKCS11 } = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js')
    const p11 = new PKCS11()
    p11.load(faulty.module)
    return p11
  }
  const assertSigns = async (signer: Signer): Promise<void> => {
    const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' })
    expect(verify('sha256', message, key, await signer.sign(message))).toBe(true)
  }
  /** Until it signs again. */
  const untilItSigns = async (signer: Signer): Promise<void> => {
    for (;;) {
      const error = await signer.sign(message).then(
        () => undefined,
        (error: { code: string }) => error,
      )
      if (error === undefined) return assertSigns(signer)
      expect(error.code).toBe('ERR_PKI_HSM_UNAVAILABLE')
      await sleep(50)
    }
  }
  /** Signs without a pause while `work` is done. How many signatures were made and how many calls failed, by code. */
  const whileSigning = async (signer: Signer, work: () => Promise<void> | void): Promise<Map<string, number>> => {
    let isDone = false
    const counts = new Map<string, number>()
    const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
    const callers = Array.from({ length: 8 }, async () => {
      while (!isDone)
        await signer.sign(message).then(
          () => count('signed'),
          (error: { code: string }) => count(error.code),
        )
    })
    try {
      await untilItSigns(signer)
      await work()
      await untilItSigns(signer)
    } finally {
      isDone = true
    }
    await Promise.all(callers)
    return counts
  }
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
    faulty = makeFaultyModule(hsm)
  })
  afterEach(async () => {
    await Promise.all(opened.map(keyring => keyring.close()))
    opened = []
    hsm.remove()
  })

  it.each([
    [
      'somebody else in the process closes all sessions',
      (p11: ReturnType<typeof otherPart>) => p11.C_CloseAllSessions(p11.C_GetSlotList(true)[0]!),
    ],
    [
      'somebody else in the process logs out',
      (p11: ReturnType<typeof otherPart>) => {
        const session = p11.C_OpenSession(p11.C_GetSlotList(true)[0]!, 4)
        p11.C_Logout(session)
        p11.C_CloseSession(session)
      },
    ],
  ])('%s: nobody hears of it', async (_, fault) => {
    const signer = await open().create('ca', 'P-256')
    const p11 = otherPart()
    const counts = await whileSigning(signer, () => fault(p11))
    expect([...counts.keys()]).toEqual(['signed'])
  })

  it('the module is finalised and initialised by somebody else', async () => {
    const signer = await open().create('ca', 'P-256')
    const p11 = otherPart()
    // Not while a call is inside: PKCS #11 leaves open what comes of that.
    p11.C_Finalize()
    await assertSigns(signer)
    p11.C_Finalize()
    p11.C_Initialize({ flags: 2 })
    await assertSigns(signer)
  })

  it.each([
    ['CKR_SESSION_HANDLE_INVALID', 'b3'],
    ['CKR_SESSION_CLOSED', 'b0'],
    ['CKR_DEVICE_REMOVED', '32'],
    ['CKR_DEVICE_ERROR', '30'],
    ['CKR_USER_NOT_LOGGED_IN', '101'],
    ['CKR_GENERAL_ERROR', '5'],
    ['CKR_KEY_HANDLE_INVALID', '60'],
  ])('%s once is made good, whatever call it comes from', async (_, value) => {
    const keyring = open({ sessions: 1 })
    const signer = await keyring.create('ca', 'P-256')
    for (const name of ['C_SignInit', 'C_Sign']) {
      faulty.set(name, `rv ${value} 0 1`)
      await assertSigns(signer)
    }
    const isOfKeys = value === '60'
    faulty.set('C_OpenSession', `rv ${isOfKeys ? 'b3' : value} 0 1`)
    faulty.set('C_SignInit', 'rv b3 0 1')
    await assertSigns(signer)
  })

  it('what stays broken is an error, and heals by itself', async () => {
    const signer = await open().create('ca', 'P-256')
    faulty.set('C_SignInit', 'rv 30')
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_HSM_UNAVAILABLE',
      details: { reason: 'CKR_DEVICE_ERROR' },
    })
    faulty.clear('C_SignInit')
    faulty.set('C_OpenSession', 'rv 32')
    faulty.set('C_Sign', 'rv b3 0 1')
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_HSM_UNAVAILABLE',
      details: { reason: 'CKR_DEVICE_REMOVED' },
    })
    faulty.clear('C_OpenSession')
    await untilItSigns(signer)
  })

  it('the token is taken out while signing, and put back', async () => {
    const keyring = open()
    const signer = await keyring.create('ca', 'P-256')
    const counts = await whileSigning(signer, async () => {
      renameSync(hsm.tokens, hsm.path('away'))
      for (;;) {
        const error = await signer.sign(message).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (error !== undefined) break
      }
      await expect(keyring.list()).rejects.toMatchObject({ code: 'ERR_PKI_HSM_UNAVAILABLE' })
      renameSync(hsm.path('away'), hsm.tokens)
    })
    expect([...counts.keys()].sort()).toEqual(['ERR_PKI_HSM_UNAVAILABLE', 'signed'])
    expect(await keyring.list()).toEqual(['ca'])
  })

  it('a token that comes back with another key under the name is not signed with', async () => {
    const signer = await open().create('ca', 'P-256')
    await opened.pop()!.close()
    cpSync(hsm.tokens, hsm.path('copy'), { recursive: true })
    const next = open()
    await next.delete('ca')
    await next.create('ca', 'P-256')
    const old = await next.open('ca')
    await next.close()
    expect(old!.publicKey).not.toEqual(signer.publicKey)
    rmSync(hsm.tokens, { recursive: true })
    renameSync(hsm.path('copy'), hsm.tokens)
    await expect(old!.sign(message)).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    const restored = await open().open('ca')
    expect(restored!.publicKey).toEqual(signer.publicKey)
  })

  it('a token with fewer sessions than asked for is used with those it has', async () => {
    const keyring = open({ sessions: 8 })
    const signer = await keyring.create('ca', 'P-256')
    faulty.set('C_Sign', 'sleep 2')
    faulty.set('C_OpenSession', 'rv b1 1')
    await Promise.all(Array.from({ length: 100 }, () => assertSigns(signer)))
    const asked = faulty.calls('C_OpenSession')
    await Promise.all(Array.from({ length: 100 }, () => assertSigns(signer)))
    expect(faulty.calls('C_OpenSession')).toBe(asked)
  })

  it('a token that is full or may not be written to', async () => {
    const keyring = open()
    for (const [value, reason] of [
      ['31', 'CKR_DEVICE_MEMORY'],
      ['e2', 'CKR_TOKEN_WRITE_PROTECTED'],
    ]) {
      faulty.set('C_GenerateKeyPair', `rv ${value}`)
      await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({
        code: 'ERR_PKI_KEY_UNWRITABLE',
        details: { name: 'ca', reason },
      })
    }
    faulty.clear('C_GenerateKeyPair')
    expect(await keyring.list()).toEqual([])
  })

  it('an answer that got lost while a key was made makes no second key', async () => {
    const keyring = open()
    // Made, and then the session is gone before it is looked at.
    faulty.set('C_OpenSession', 'rv b3 3 1')
    const signer = await keyring.create('ca', 'P-256')
    await assertSigns(signer)
    expect(hsm.tool('fleet', '--list-objects').match(/Private Key Object/g)).toHaveLength(1)
  })

  it('a signature of a wrong length, or one that does not verify, is no signature', async () => {
    const keyring = open()
    const signer = await keyring.create('ca', 'P-256')
    faulty.set('C_Sign', 'short')
    await expect(signer.sign(message)).rejects.toMatchObject({
      code: 'ERR_PKI_SIGNER',
      details: { reason: 'a signature of 63 octets, expected 64' },
    })
    faulty.set('C_Sign', 'flip')
    await expect(keyring.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE' })
    faulty.clear('C_Sign')
    await assertSigns(signer)
  })

  it('a token that does not answer holds up its callers no longer than they wait, and nobody else', async () => {
    const keyring = open({ sessions: 1, timeoutSeconds: 1 })
    const signer = await keyring.create('ca', 'P-256')
    faulty.set('C_Sign', 'sleep 3000')
    let turns = 0
    const timer = setInterval(() => turns++, 10)
    const controller = new AbortController()
    const given = signer.sign(message, { signal: controller.signal })
    const behind = signer.sign(message)
    const reason = new Error('given up')
    controller.abort(reason)
    await expect(given).rejects.toBe(reason)
    await expect(behind).rejects.toMatchObject({
      code: 'ERR_PKI_HSM_UNAVAILABLE',
      details: { reason: 'no answer in time' },
    })
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
    faulty.clear('C_Sign')
    await untilTimeIsOver(signer)
  })

  /** The session is taken until the module has returned. */
  const untilTimeIsOver = async (signer: Signer): Promise<void> => {
    while (
      await signer.sign(message).then(
        () => false,
        () => true,
      )
    )
      await sleep(50)
  }

  it('closing waits for what is under way, and refuses what comes later', async () => {
    const keyring = open({ sessions: 2 })
    const signer = await keyring.create('ca', 'P-256')
    faulty.set('C_Sign', 'sleep 50')
    const calls = Array.from({ length: 20 }, () => signer.sign(message))
    const outcomes = Promise.allSettled(calls)
    await Promise.race(calls)
    await Promise.all([keyring.close(), keyring.close()])
    const codes = (await outcomes).map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'signed'))
    expect(new Set(codes)).toEqual(new Set(['signed', 'ERR_PKI_CLOSED']))
    await expect(keyring.list()).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
    expect(faulty.calls('C_Finalize')).toBe(1)
    // The module is there for the next one.
    expect(await open().list()).toEqual(['ca'])
  })

  it('a keyring that is closed leaves the sessions of another alone', async () => {
    const [one, two] = [open(), open()]
    await one.create('ca', 'P-256')
    const signer = (await two.open('ca'))!
    await one.close()
    expect(faulty.calls('C_Finalize')).toBe(0)
    await assertSigns(signer)
    expect(faulty.calls('C_Login')).toBe(1)
  })
})
