import type { DeviceCredential, Fleet } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../../../../test-support/tools.ts'
import { type IssuerBench, issuerBench, issuersOf, opensslOcsp } from './bench.ts'

describeWith(['openssl'], 'OCSP in every phase', () => {
  let bench: IssuerBench
  let fleet: Fleet
  beforeEach(async () => {
    bench = issuerBench()
    fleet = await bench.open({ publish: { baseUrl: 'http://pki.example' } })
  })
  afterEach(() => bench.close())

  const ask = async (device: DeviceCredential): Promise<string> => {
    const issuer = (await issuersOf(fleet)).find(({ issuerKeyId }) => issuerKeyId === device.issuerKeyId)!
    let anchors = fleet.trustAnchors
    for (const { role, state, certificate } of await issuersOf(fleet)) {
      if (role === 'root' && state === 'retired') anchors += certificate
    }
    return opensslOcsp(fleet, device.certificate, issuer.certificate, anchors)
  }

  it('answers for the CAs of before and after', async () => {
    const old = await fleet.enroll('old-1')
    const gone = await fleet.enroll('old-2')
    expect(await ask(old)).toBe('good')
    await fleet.rollover('announce', { root: true })
    expect(await ask(old)).toBe('good')
    await fleet.rollover('issue')
    await fleet.revoke('old-2')
    const young = await fleet.enroll('new-1')
    expect([await ask(old), await ask(gone), await ask(young)]).toEqual(['good', 'revoked', 'good'])
    await fleet.rollover('retire', { force: true })
    expect([await ask(gone), await ask(young)]).toEqual(['revoked', 'good'])
  })

  it('answers revoked for all that a revoked CA has issued', async () => {
    const old = await fleet.enroll('old-1')
    expect(await ask(old)).toBe('good')
    await fleet.revokeIssuer(old.issuerKeyId)
    expect(await ask(old)).toBe('revoked')
    expect(await ask(await fleet.enroll('new-1'))).toBe('good')
  })
})
