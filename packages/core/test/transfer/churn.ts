import { generateKeyPairSync } from 'node:crypto'
import { createCertificationRequest, type Fleet, isPkiError } from '@fleetcert/core'
import { softwareSigner } from '@fleetcert/x509'
import { type Random, seededRandom } from '../crash/random.ts'

/** Something that an operator or a device does to a fleet. What is refused, because of what was done before, is no matter. */
export type Churn = () => Promise<void>

const signer = softwareSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const csr = await createCertificationRequest({ subject: [], signer })

/** Does one thing after another, each drawn by chance among some devices, so that they have histories. */
export function createChurn(fleet: Fleet, seed: number, devices = 12, random: Random = seededRandom(seed)): Churn {
  const tokens: (readonly [string, string])[] = []
  const someDevice = (): string => `device-${random.below(devices)}`
  const actions: readonly (() => Promise<unknown>)[] = [
    () => fleet.enroll(someDevice(), { owner: random.pick(['alice', 'bob']), attributes: { site: 'north' } }),
    () => fleet.enroll(someDevice()),
    () => fleet.renew(someDevice()),
    () => fleet.renew(someDevice(), { overlapSeconds: 0 }),
    () => fleet.revoke(someDevice(), { reason: 'certificateHold' }),
    () => fleet.release(someDevice()),
    () => fleet.revoke(someDevice(), { reason: random.pick(['keyCompromise', 'cessationOfOperation']) }),
    async () => {
      const deviceId = `new-${random.below(devices)}`
      tokens.push([deviceId, (await fleet.createToken({ deviceId })).token])
    },
    async () => {
      const [deviceId, token] = tokens.length > 0 ? random.pick(tokens) : ['new-0', '']
      await fleet.enroll(deviceId, { token, csr })
    },
    () => fleet.issueServer({ hosts: ['broker.example'] }),
    () => fleet.crl(),
    () => fleet.scheduleRenewals({ from: new Date(), to: new Date(Date.now() + 3_600_000), deviceIds: [someDevice()] }),
  ]
  return async () => {
    await random
      .pick(actions)()
      .catch(error => {
        if (!isPkiError(error) && !(error instanceof TypeError)) throw error
        if (isPkiError(error, 'ERR_PKI_STORE_MOVED') || isPkiError(error, 'ERR_PKI_STORE_UNAVAILABLE')) throw error
      })
  }
}
