import type { Fleet } from '@fleetcert/core'
import type { Stage } from './world.ts'

/** One operation whose crash points are searched. Later features add theirs to {@link operations}. */
export interface Operation {
  readonly name: string
  /** It makes the fleet: until the lease `bootstrap` of a start that died has run out, the next one waits. */
  readonly isFirstStart?: true
  /** What was there before; no fault befalls it. Gives back the operation: each of its calls is a crash point. */
  prepare(stage: Stage): Promise<() => Promise<unknown>>
}

type Work = (fleet: Fleet, stage: Stage) => Promise<unknown>

/** An operation of a fleet that is open, with what `before` leaves. */
function onFleet<T>(
  name: string,
  before: (fleet: Fleet, stage: Stage) => Promise<T>,
  work: (fleet: Fleet, stage: Stage, prepared: T) => Promise<unknown>,
): Operation {
  return {
    name,
    async prepare(stage) {
      const fleet = await stage.open()
      const prepared = await before(fleet, stage)
      return () => work(fleet, stage, prepared)
    },
  }
}

const nothing = async (): Promise<void> => {}
const enrolled: (fleet: Fleet, stage: Stage) => ReturnType<Fleet['enroll']> = (fleet, { csr }) =>
  fleet.enroll('sensor-1', { csr: csr() })
const renewed = async (fleet: Fleet, stage: Stage): Promise<void> => {
  await enrolled(fleet, stage)
  await fleet.renew('sensor-1', { csr: stage.csr() })
}
/** Another process was enrolling `sensor-1` and died once its certificate was signed. */
const leftBehind = (stage: Stage, renewal = false): Promise<void> =>
  stage.dieBefore('store.commit', fleet =>
    renewal
      ? fleet.renew('sensor-1', { csr: stage.csr(), overlapSeconds: 0 })
      : fleet.enroll('sensor-1', { csr: stage.csr() }),
  )

/** Waits for them all before it rejects with what the first one did: none is under way any more. */
async function together(work: readonly Promise<unknown>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find(result => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

const lifecycle: Work = async (fleet, { csr, io }) => {
  await fleet.enroll('sensor-1', { csr: csr(), owner: 'alice' }, io)
  await fleet.renew('sensor-1', { csr: csr() }, io)
  await fleet.renew('sensor-1', { csr: csr(), overlapSeconds: 0 }, io)
  await fleet.crl({}, io)
  await fleet.revoke('sensor-1', { reason: 'superseded' }, io)
  await fleet.crl({}, io)
  await fleet.enroll('sensor-1', { csr: csr() }, io)
}

/** The table. The name is shown with the number of its crash points. */
export const operations: readonly Operation[] = [
  { name: 'first start', isFirstStart: true, prepare: async stage => () => stage.open() },
  {
    name: 'first start, then enrol',
    isFirstStart: true,
    prepare: async stage => async () => {
      const fleet = await stage.open()
      await fleet.enroll('sensor-1', { csr: stage.csr() }, stage.io)
    },
  },
  {
    name: 'restart',
    async prepare(stage) {
      await renewed(await stage.open(), stage)
      return () => stage.open()
    },
  },
  {
    name: 'restart that recovers what was left behind',
    async prepare(stage) {
      await stage.open()
      await leftBehind(stage)
      stage.clock.advance(60)
      return () => stage.open()
    },
  },
  onFleet('enrol with a CSR', nothing, (fleet, { csr, io }) => fleet.enroll('sensor-1', { csr: csr() }, io)),
  onFleet('enrol with a key made here', nothing, (fleet, { io }) => fleet.enroll('sensor-1', {}, io)),
  onFleet('enrol a service with owner and attributes', nothing, (fleet, { csr, io }) =>
    fleet.enroll('backend', { csr: csr(), role: 'service', owner: 'alice', attributes: { site: 'north' } }, io),
  ),
  onFleet(
    'enrol where a dead process was enrolling',
    async (_fleet, stage) => {
      await leftBehind(stage)
      stage.clock.advance(60)
    },
    (fleet, { csr, io }) => fleet.enroll('sensor-1', { csr: csr() }, io),
  ),
  onFleet('enrol three at once', nothing, (fleet, { csr, io }) =>
    together(['sensor-1', 'sensor-2', 'sensor-3'].map(id => fleet.enroll(id, { csr: csr() }, io))),
  ),
  onFleet('renew', enrolled, (fleet, { csr, io }) => fleet.renew('sensor-1', { csr: csr() }, io)),
  onFleet('renew without overlap', enrolled, (fleet, { csr, io }) =>
    fleet.renew('sensor-1', { csr: csr(), overlapSeconds: 0 }, io),
  ),
  onFleet('renew with a key made here', enrolled, (fleet, { io }) => fleet.renew('sensor-1', {}, io)),
  onFleet(
    'renew where a dead process was renewing',
    async (fleet, stage) => {
      await enrolled(fleet, stage)
      await leftBehind(stage, true)
      stage.clock.advance(60)
    },
    (fleet, { csr, io }) => fleet.renew('sensor-1', { csr: csr() }, io),
  ),
  onFleet('issue for a server with a CSR', nothing, (fleet, { csr, io }) =>
    fleet.issueServer({ hosts: ['broker.example', '192.0.2.1'], csr: csr() }, io),
  ),
  onFleet('issue for a server with a key made here', nothing, (fleet, { io }) =>
    fleet.issueServer({ hosts: ['broker.example'] }, io),
  ),
  onFleet('revoke a device', enrolled, (fleet, { io }) => fleet.revoke('sensor-1', {}, io)),
  onFleet('revoke a device of several certificates', renewed, (fleet, { io }) =>
    fleet.revoke('sensor-1', { reason: 'keyCompromise' }, io),
  ),
  onFleet('revoke by fingerprint', enrolled, (fleet, { io }, { fingerprint }) =>
    fleet.revoke({ fingerprint }, { reason: 'keyCompromise' }, io),
  ),
  onFleet(
    'revoke what a dead process left behind',
    async (fleet, stage) => {
      await leftBehind(stage)
      for await (const { id } of fleet.pending()) return id
      throw new Error('nothing is pending')
    },
    (fleet, { io }, id) => fleet.revoke(id, { reason: 'superseded' }, io),
  ),
  onFleet('hold', enrolled, (fleet, { io }, { fingerprint }) =>
    fleet.revoke({ fingerprint }, { reason: 'certificateHold' }, io),
  ),
  onFleet(
    'revoke what is held',
    async (fleet, stage) => {
      const { fingerprint } = await enrolled(fleet, stage)
      await fleet.revoke({ fingerprint }, { reason: 'certificateHold' })
    },
    (fleet, { io }) => fleet.revoke('sensor-1', { reason: 'cessationOfOperation' }, io),
  ),
  onFleet(
    'lift a hold',
    async (fleet, stage) => {
      const { fingerprint } = await enrolled(fleet, stage)
      await fleet.revoke({ fingerprint }, { reason: 'certificateHold' })
      await fleet.crl()
      return fingerprint
    },
    (fleet, { io }, fingerprint) => fleet.release({ fingerprint }, io),
  ),
  onFleet(
    'lift all holds of a device',
    async (fleet, stage) => {
      await renewed(fleet, stage)
      await fleet.revoke('sensor-1', { reason: 'certificateHold' })
    },
    (fleet, { io }) => fleet.release('sensor-1', io),
  ),
  onFleet(
    'revoke what is revoked for keyCompromise',
    async (fleet, stage) => {
      await renewed(fleet, stage)
      await fleet.revoke('sensor-1', { reason: 'cessationOfOperation' })
    },
    (fleet, { io }) => fleet.revoke('sensor-1', { reason: 'keyCompromise' }, io),
  ),
  onFleet('the first CRL', renewed, (fleet, { io }) => fleet.crl({}, io)),
  onFleet(
    'the CRL after a revocation',
    async (fleet, stage) => {
      await renewed(fleet, stage)
      await fleet.crl()
      await fleet.revoke('sensor-1')
    },
    (fleet, { io }) => fleet.crl({}, io),
  ),
  onFleet(
    'the CRL that is current',
    fleet => fleet.crl(),
    (fleet, { io }) => fleet.crl({}, io),
  ),
  onFleet(
    "the root's CRL",
    async fleet => {
      for await (const { role, issuerKeyId } of fleet.issuers()) if (role === 'root') return issuerKeyId
      throw new Error('there is no root')
    },
    (fleet, { io }, issuerKeyId) => fleet.crl({ issuerKeyId }, io),
  ),
  onFleet('a life: enrol, renew, revoke, CRL, enrol again', nothing, lifecycle),
]
