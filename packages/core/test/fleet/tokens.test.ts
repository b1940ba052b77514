import { createHash } from 'node:crypto'
import { type Fleet, parseCertificate, type Store } from '@fleetcert/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { day, deviceKey, type TimedFleet, timedFleet } from './device-side.ts'

let timed: TimedFleet
let fleet: Fleet
beforeEach(async () => {
  timed = await timedFleet({ profiles: { 'sensor-7d': { validitySeconds: 7 * day } } })
  fleet = timed.fleet
  return () => fleet.close()
})

const refused = (code: string) => expect.objectContaining({ code })

describe('createToken', () => {
  it('gives out 256 random bits once, and keeps neither them nor their hash in the ledger', async () => {
    const { token, deviceId, expiresAt } = await fleet.createToken({
      deviceId: 'sensor-1',
      profile: 'sensor-7d',
      owner: 'alice',
      attributes: { site: 'north' },
      expiresInSeconds: 3600,
    })
    expect(token).toMatch(/^fct_[A-Za-z0-9_-]{43}$/)
    expect(deviceId).toBe('sensor-1')
    expect(expiresAt).toEqual(new Date(timed.now().getTime() + 3_600_000))
    expect((await fleet.createToken({ deviceId: 'sensor-1' })).token).not.toBe(token)

    const events = await timed.history()
    const [event, other] = events.filter(({ type }) => type === 'tokenCreated')
    expect(event).toMatchObject({
      deviceId: 'sensor-1',
      details: { expiresAt: expiresAt.toISOString(), profile: 'sensor-7d', owner: 'alice' },
    })
    expect(other?.details).toEqual({ expiresAt: new Date(timed.now().getTime() + day * 1000).toISOString() })
    const text = JSON.stringify(events)
    for (const secret of [token, token.slice(4), ...['hex', 'base64', 'base64url'].map(form => hashOf(token, form))]) {
      expect(text).not.toContain(secret)
    }
    const kept = await timed.store.token(createHash('sha256').update(token).digest())
    expect(kept).toMatchObject({ deviceId: 'sensor-1', profile: 'sensor-7d', owner: 'alice', expiresAt })
    expect(JSON.stringify(kept)).not.toContain(token)
  })

  it('refuses names, profiles and times that are none, before anything is kept', async () => {
    await expect(fleet.createToken({ deviceId: '../x' })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    await expect(fleet.createToken({ deviceId: 'a', owner: '+' })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    await expect(fleet.createToken({ deviceId: 'a', attributes: { site: '#' } })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_ID',
    })
    for (const profile of ['no-such', 'server', 'service']) {
      await expect(fleet.createToken({ deviceId: 'a', profile })).rejects.toMatchObject({ code: 'ERR_PKI_PROFILE' })
    }
    for (const expiresInSeconds of [0, 59, 60.5, Number.NaN, 367 * day]) {
      await expect(fleet.createToken({ deviceId: 'a', expiresInSeconds })).rejects.toThrow(RangeError)
    }
    expect((await timed.history()).filter(({ type }) => type === 'tokenCreated')).toEqual([])
  })
})

describe('enroll with a token', () => {
  it('makes what the token grants, and takes nothing but the key from the request', async () => {
    const { token } = await fleet.createToken({
      deviceId: 'sensor-1',
      profile: 'sensor-7d',
      owner: 'alice',
      attributes: { site: 'north' },
    })
    const { csr } = await deviceKey()
    const credential = await fleet.enroll('sensor-1', { csr, token })
    expect(credential).not.toHaveProperty('privateKey')
    const certificate = parseCertificate(credential.certificate)
    expect(certificate.subjectAltName).toEqual([{ type: 'uri', value: 'urn:fleetcert:device:sensor-1' }])
    expect(credential.notAfter.getTime() - timed.now().getTime()).toBeLessThan(7 * day * 1000)
    expect(await fleet.identify({ fingerprint: credential.fingerprint })).toMatchObject({
      status: 'active',
      device: { deviceId: 'sensor-1', role: 'device', owner: 'alice', attributes: { site: 'north' } },
      certificate: { profile: 'sensor-7d' },
    })
  })

  it('takes what the token says from nobody else', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const { csr } = await deviceKey()
    const others = {
      owner: 'mallory',
      profile: 'sensor-7d',
      attributes: {},
      role: 'service',
      validitySeconds: 60,
      subjectAltName: [],
    } as const
    for (const [name, value] of Object.entries(others)) {
      await expect(fleet.enroll('sensor-1', { csr, token, [name]: value })).rejects.toThrow(
        new TypeError(`${name}: not to be given with a token, which says it`),
      )
    }
    await expect(fleet.enroll('sensor-1', { token })).rejects.toThrow(TypeError)
    await fleet.enroll('sensor-1', { csr, token })
  })

  it('answers the same certificate again for the same key, until the token expires', async () => {
    const { token, expiresAt } = await fleet.createToken({ deviceId: 'sensor-1', expiresInSeconds: 600 })
    const { csr } = await deviceKey()
    const first = await fleet.enroll('sensor-1', { csr, token })
    timed.later(599)
    expect(await fleet.enroll('sensor-1', { csr, token })).toEqual(first)
    // Of another process, too.
    const other = await timed.another()
    expect(await other.enroll('sensor-1', { csr, token })).toEqual(first)
    expect((await timed.history()).filter(({ type }) => type === 'issued').length).toBe(3)
    timed.later(1)
    expect(timed.now()).toEqual(expiresAt)
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({ code: 'ERR_PKI_TOKEN_EXPIRED' })
    await other.close()
  })

  it('refuses another key once it was spent', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr, token })
    await expect(fleet.enroll('sensor-1', { csr: (await deviceKey()).csr, token })).rejects.toMatchObject({
      code: 'ERR_PKI_TOKEN_SPENT',
    })
  })

  it('tells nobody whether a token is of another device, or whether that device exists', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    await fleet.enroll('sensor-2', {})
    const { csr } = await deviceKey()
    const unknown = `fct_${'A'.repeat(43)}`
    const answers = []
    for (const [deviceId, presented] of [
      ['sensor-2', token],
      ['sensor-2', unknown],
      ['sensor-3', token],
      ['sensor-1', unknown],
      ['sensor-1', ''],
      ['sensor-1', token.slice(4)],
      ['sensor-1', `${token} `],
    ] as const) {
      answers.push(await fleet.enroll(deviceId, { csr, token: presented }).catch((error: unknown) => error))
    }
    for (const answer of answers) {
      expect(answer).toEqual(refused('ERR_PKI_TOKEN'))
      expect(JSON.stringify((answer as { details: unknown }).details)).toBe('{}')
      expect(String(answer)).not.toContain(token)
    }
    await fleet.enroll('sensor-1', { csr, token })
  })

  it('refuses a device that has a live certificate, and keeps the token', async () => {
    const { fingerprint } = await fleet.enroll('sensor-1')
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const { csr } = await deviceKey()
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_EXISTS' })
    await fleet.revoke({ fingerprint })
    await fleet.enroll('sensor-1', { csr, token })
  })

  it('is void when the device was revoked since, with or without a certificate; one made later is good', async () => {
    const { csr } = await deviceKey()
    const before = await fleet.createToken({ deviceId: 'sensor-1' })
    await expect(fleet.revoke('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_UNKNOWN' })
    const closed = { code: 'ERR_PKI_DEVICE_CLOSED' }
    await expect(fleet.enroll('sensor-1', { csr, token: before.token })).rejects.toMatchObject(closed)

    const first = await fleet.createToken({ deviceId: 'sensor-1' })
    await fleet.enroll('sensor-1', { csr, token: first.token })
    await fleet.revoke('sensor-1')
    await expect(fleet.enroll('sensor-1', { csr, token: first.token })).rejects.toMatchObject(closed)
    const after = await fleet.createToken({ deviceId: 'sensor-1' })
    await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr, token: after.token })
  })

  it('answers nothing that is not good any more', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1', expiresInSeconds: 30 * day })
    const { csr } = await deviceKey()
    const { fingerprint } = await fleet.enroll('sensor-1', { csr, token })
    await fleet.revoke({ fingerprint }, { reason: 'certificateHold' })
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { status: 'held' },
    })
    await fleet.release({ fingerprint })
    await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, overlapSeconds: 0 })
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({ code: 'ERR_PKI_TOKEN_SPENT' })
    await fleet.revoke({ fingerprint })
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_CLOSED' })
  })

  it('refuses a blocked key and a bad CSR without spending the token', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const { csr } = await deviceKey()
    await fleet.enroll('sensor-2', { csr })
    await fleet.revoke('sensor-2', { reason: 'keyCompromise' })
    await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_BLOCKED' })
    const good = await deviceKey()
    const forged = Uint8Array.from(good.csr, (octet, index) => (index === good.csr.length - 1 ? octet ^ 1 : octet))
    await expect(fleet.enroll('sensor-1', { csr: forged, token })).rejects.toMatchObject({
      code: 'ERR_PKI_CSR_SIGNATURE',
    })
    await fleet.enroll('sensor-1', { csr: good.csr, token })
  })

  it('lets one of two keys win, and every request for that key be answered', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const keys = await Promise.all([deviceKey(), deviceKey()])
    const ask = (index: number) => fleet.enroll('sensor-1', { csr: keys[index % 2]!.csr, token })
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => ask(index)))
    const fingerprints = new Set(
      results.flatMap(result => (result.status === 'fulfilled' ? [result.value.fingerprint] : [])),
    )
    expect(fingerprints.size).toBe(1)
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      expect(['ERR_PKI_ENROLLMENT_BUSY', 'ERR_PKI_TOKEN_SPENT']).toContain(result.reason.code)
      if (result.reason.code === 'ERR_PKI_ENROLLMENT_BUSY') expect(result.reason.details.retryAfterSeconds).toBe(31)
    }
    const again = await Promise.allSettled([ask(0), ask(1)])
    expect(again.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('a token and a process that dies', () => {
  /** The next call of that name has its effect, or none, and everything fails from then on. */
  const dying = (name: 'reserve' | 'commit', takesEffect: boolean) => {
    let dead = false
    return (store: Store): Store =>
      new Proxy(store, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property)
          if (typeof value !== 'function') return value
          return async (...args: unknown[]) => {
            if (dead) throw new Error('dead')
            if (property === name) {
              dead = true
              if (takesEffect) await value.apply(target, args)
              throw new Error('dead')
            }
            return value.apply(target, args)
          }
        },
      })
  }

  it.each([
    ['reserve', false],
    ['reserve', true],
    ['commit', false],
    ['commit', true],
  ] as const)('is good for the same device yet when the process dies at %s (took effect: %s)', async (name, took) => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const { csr } = await deviceKey()
    const change = dying(name, took)
    const mortal = await timed.another({ store: change(timed.store) })
    await expect(mortal.enroll('sensor-1', { csr, token })).rejects.toThrow('dead')
    void mortal.close().catch(() => {})

    const isLeft = !(name === 'reserve' && !took) && !(name === 'commit' && took)
    if (isLeft) {
      // Its lease still runs: it might be alive.
      await expect(fleet.enroll('sensor-1', { csr, token })).rejects.toMatchObject({
        code: 'ERR_PKI_ENROLLMENT_BUSY',
        details: { deviceId: 'sensor-1', retryAfterSeconds: 31 },
      })
      timed.later(31)
    }
    const { fingerprint } = await fleet.enroll('sensor-1', { csr, token })
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    expect((await fleet.enroll('sensor-1', { csr, token })).fingerprint).toBe(fingerprint)
    const issued = (await timed.history()).filter(({ type, deviceId }) => type === 'issued' && deviceId === 'sensor-1')
    expect(issued).toHaveLength(1)
  })

  it('is good for another key, too, when nothing was answered for the first', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const mortal = await timed.another({ store: dying('commit', false)(timed.store) })
    await expect(mortal.enroll('sensor-1', { csr: (await deviceKey()).csr, token })).rejects.toThrow('dead')
    void mortal.close().catch(() => {})
    timed.later(31)
    await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr, token })
  })

  it('is good again at once when the certificate could not be recorded', async () => {
    const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
    const { csr } = await deviceKey()
    let failing = true
    const flaky = await timed.another({
      store: new Proxy(timed.store, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property)
          if (typeof value !== 'function') return value
          return async (...args: unknown[]) => {
            if (failing && property === 'commit') {
              failing = false
              throw new Error('no disk')
            }
            return value.apply(target, args)
          }
        },
      }),
    })
    await expect(flaky.enroll('sensor-1', { csr, token })).rejects.toThrow('no disk')
    await flaky.enroll('sensor-1', { csr, token })
    await flaky.close()
  })
})

function hashOf(token: string, form: string): string {
  return createHash('sha256')
    .update(token)
    .digest(form as 'hex')
}
