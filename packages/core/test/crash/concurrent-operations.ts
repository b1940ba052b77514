import {
  type CrlReason,
  certificateFingerprint,
  encodeCertId,
  encodeOcspRequest,
  type Fleet,
  isPkiError,
  type PkiErrorCode,
  parseCertificate,
} from '@fleetcert/core'
import type { ReturnedCertificate } from './observations.ts'
import type { Random } from './random.ts'

/** One of several callers, about to do something. */
export interface Caller {
  readonly random: Random
  readonly deviceId: string
  /** A certification request of a key that was not used yet. */
  readonly csr: () => Uint8Array
  /** What callers have got so far. */
  readonly returned: readonly ReturnedCertificate[]
}

export interface ConcurrentOperation {
  readonly name: string
  /** How often, against the others. */
  readonly weight: number
  run(fleet: Fleet, caller: Caller): Promise<unknown>
}

/** What concurrent callers do, simulated and in real processes. Later features add theirs. */
export const concurrentOperations: readonly ConcurrentOperation[] = [
  { name: 'enrol', weight: 5, run: (fleet, { csr, deviceId }) => fleet.enroll(deviceId, { csr: csr() }) },
  {
    name: 'renew',
    weight: 5,
    run: (fleet, { csr, deviceId, random }) =>
      fleet.renew(deviceId, { csr: csr(), overlapSeconds: random.pick([0, 1, 86_400]) }),
  },
  {
    name: 'enrol with a token',
    weight: 3,
    async run(fleet, { csr, deviceId, random }) {
      const { token } = await fleet.createToken({ deviceId })
      const request = { csr: csr(), token }
      await fleet.enroll(deviceId, request)
      if (random.once(2)) await fleet.enroll(deviceId, request)
    },
  },
  {
    name: 'renew with the presented certificate',
    weight: 5,
    async run(fleet, { csr, returned, random }) {
      const own = returned.filter(({ deviceId }) => deviceId !== undefined)
      if (own.length === 0) return
      const { der, deviceId } = random.pick(own)
      const request = { csr: csr(), presented: certificateFingerprint(der) }
      await fleet.renew(deviceId!, request)
      if (random.once(3)) await fleet.renew(deviceId!, request)
    },
  },
  {
    name: 'confirm',
    weight: 3,
    async run(fleet, { returned, random }) {
      const own = returned.filter(({ deviceId }) => deviceId !== undefined)
      if (own.length === 0) return
      const { der, deviceId } = random.pick(own)
      await fleet.confirm(deviceId!, { fingerprint: certificateFingerprint(der), overlapSeconds: random.pick([0, 60]) })
    },
  },
  {
    name: 'revoke',
    weight: 3,
    run: (fleet, { deviceId, random }) => fleet.revoke(deviceId, { reason: random.pick(reasons) }),
  },
  {
    name: 'revoke one',
    weight: 2,
    async run(fleet, { returned, random }) {
      if (returned.length > 0) await fleet.revoke(random.pick(returned).id, { reason: random.pick(reasons) })
    },
  },
  {
    name: 'revoke what is pending',
    weight: 1,
    async run(fleet) {
      for await (const { id } of fleet.pending()) {
        await fleet.revoke(id, { reason: 'superseded' })
      }
    },
  },
  {
    name: 'revoke by key',
    weight: 1,
    async run(fleet, { returned, random }) {
      if (returned.length === 0) return
      const { subjectPublicKeyInfo } = parseCertificate(random.pick(returned).der)
      await fleet.revoke({ publicKey: subjectPublicKeyInfo }, { reason: random.pick(reasons) })
    },
  },
  {
    name: 'revoke all',
    weight: 1,
    run: (fleet, { deviceId, random }) => fleet.revokeAll({ deviceIds: [deviceId] }, { reason: random.pick(reasons) }),
  },
  { name: 'release', weight: 1, run: (fleet, { deviceId }) => fleet.release(deviceId) },
  {
    name: 'server',
    weight: 1,
    run: (fleet, { csr }) => fleet.issueServer({ hosts: ['broker.example'], csr: csr() }),
  },
  { name: 'crl', weight: 3, run: fleet => fleet.crl() },
  {
    name: 'ocsp',
    weight: 2,
    async run(fleet, { returned, random }) {
      if (returned.length === 0) return
      const { id } = random.pick(returned)
      for await (const { issuerKeyId, certificate } of fleet.issuers()) {
        if (issuerKeyId !== id.issuerKeyId) continue
        await fleet.ocsp(encodeOcspRequest([encodeCertId(parseCertificate(certificate), id.serialNumber)]))
      }
    },
  },
  {
    name: 'identify',
    weight: 2,
    async run(fleet, { returned, random }) {
      if (returned.length > 0) await fleet.identify({ der: random.pick(returned).der })
    },
  },
]

const reasons: readonly CrlReason[] = ['unspecified', 'keyCompromise', 'superseded', 'certificateHold']

export function pickOperation(random: Random): ConcurrentOperation {
  let left = random.below(concurrentOperations.reduce((sum, { weight }) => sum + weight, 0))
  for (const operation of concurrentOperations) {
    left -= operation.weight
    if (left < 0) return operation
  }
  throw new RangeError('the weights do not add up')
}

/** Codes that nothing that callers, deaths and failing calls do can explain. */
const alarming: readonly PkiErrorCode[] = [
  'ERR_PKI_STORE_CORRUPT',
  'ERR_PKI_STORE_LOST',
  'ERR_PKI_STORE_SCHEMA',
  'ERR_PKI_KEY_MISSING',
  'ERR_PKI_KEY_BLOCKED',
  'ERR_PKI_CURSOR',
  'ERR_PKI_CLOCK',
  'ERR_PKI_LINT',
  'ERR_PKI_PREPARED_SPENT',
  'ERR_PKI_CLOSED',
]

/** Rethrows what is no coded refusal or failure. */
export function requireExpected(error: unknown): void {
  if (!isPkiError(error) || alarming.includes(error.code)) throw error
}
