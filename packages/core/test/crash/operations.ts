import {
  type DeviceCredential,
  encodeCertId,
  encodeOcspRequest,
  type Fleet,
  parseCertificate,
  parseCertificationRequest,
} from '@fleetcert/core'
import type { Certificate } from '@fleetcert/x509'
import type { FleetSettings, Stage } from './world.ts'

/** One operation whose crash points are searched. Later features add theirs to {@link operations}. */
export interface Operation {
  readonly name: string
  /** It makes the fleet: until the lease `bootstrap` of a start that died has run out, the next one waits. */
  readonly isFirstStart?: true
  /** How every process opens the fleet, where that matters. */
  readonly fleet?: FleetSettings
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

/** The same on a fleet that publishes delta CRLs. */
function publishing<T>(...operation: Parameters<typeof onFleet<T>>): Operation {
  return { ...onFleet(...operation), fleet: { publish: { baseUrl: 'http://pki.example' }, crl: { delta: true } } }
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

/** Two devices have it. */
const sharedKey = async (fleet: Fleet, stage: Stage): Promise<Uint8Array> => {
  const csr = stage.csr()
  for (const id of ['sensor-1', 'sensor-2']) await fleet.enroll(id, { csr })
  return parseCertificationRequest(csr).subjectPublicKeyInfo
}

/** Answered whatever fails: `observeFleet` judges it. */
const askOcsp = (fleet: Fleet, { io }: Stage, { chain, serialNumber }: DeviceCredential): Promise<unknown> =>
  fleet.ocsp(encodeOcspRequest([encodeCertId(parseCertificate(chain), serialNumber)]), io)

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

/** The device has asked once, and did not hear the answer. */
const answerLost = async (
  fleet: Fleet,
  stage: Stage,
): Promise<{ readonly csr: Uint8Array; readonly presented: string }> => {
  const { fingerprint: presented } = await enrolled(fleet, stage)
  const csr = stage.csr()
  await fleet.renew('sensor-1', { csr, presented })
  return { csr, presented }
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
  onFleet('make a token', nothing, (fleet, { io }) =>
    fleet.createToken({ deviceId: 'sensor-1', owner: 'alice', attributes: { site: 'north' } }, io),
  ),
  onFleet(
    'enrol with a token, twice for the lost answer',
    fleet => fleet.createToken({ deviceId: 'sensor-1', owner: 'alice' }),
    async (fleet, { csr, io }, { token }) => {
      const request = { csr: csr(), token }
      await fleet.enroll('sensor-1', request, io)
      await fleet.enroll('sensor-1', request, io)
    },
  ),
  onFleet(
    'enrol with a token where a dead process was enrolling with it',
    async (fleet, stage) => {
      const { token } = await fleet.createToken({ deviceId: 'sensor-1' })
      const request = { csr: stage.csr(), token }
      await stage.dieBefore('store.commit', theirs => theirs.enroll('sensor-1', request))
      stage.clock.advance(60)
      return request
    },
    (fleet, { io }, request) => fleet.enroll('sensor-1', request, io),
  ),
  onFleet('renew with the presented certificate', enrolled, (fleet, { csr, io }, { fingerprint }) =>
    fleet.renew('sensor-1', { csr: csr(), presented: fingerprint }, io),
  ),
  onFleet('renew with the presented certificate again, the answer lost', answerLost, (fleet, { io }, request) =>
    fleet.renew('sensor-1', request, io),
  ),
  onFleet('renew with the presented certificate and another key', answerLost, (fleet, { csr, io }, { presented }) =>
    fleet.renew('sensor-1', { csr: csr(), presented }, io),
  ),
  onFleet(
    'renew with the new certificate, the old one not ended yet',
    async (fleet, stage) => {
      const { presented } = await answerLost(fleet, stage)
      return fleet.renew('sensor-1', { csr: stage.csr(), presented })
    },
    (fleet, { csr, io }, { fingerprint }) => fleet.renew('sensor-1', { csr: csr(), presented: fingerprint }, io),
  ),
  onFleet(
    'renew within the grace period',
    async (fleet, stage) => {
      const { fingerprint } = await fleet.enroll('sensor-1', { csr: stage.csr(), validitySeconds: 3600 })
      stage.clock.advance(2 * 3600)
      return fingerprint
    },
    (fleet, { csr, io }, presented) => fleet.renew('sensor-1', { csr: csr(), presented, graceSeconds: 86_400 }, io),
  ),
  onFleet(
    'confirm two renewals',
    async (fleet, stage) => {
      const { presented } = await answerLost(fleet, stage)
      return fleet.renew('sensor-1', { csr: stage.csr(), presented })
    },
    (fleet, { io }, { fingerprint }) => fleet.confirm('sensor-1', { fingerprint, overlapSeconds: 0 }, io),
  ),
  onFleet('schedule renewals, ask, and withdraw them', enrolled, async (fleet, { clock, io }, { fingerprint }) => {
    const from = clock.now()
    const { id } = await fleet.scheduleRenewals({ from, to: new Date(from.getTime() + 3_600_000) }, io)
    await fleet.renewalInfo({ fingerprint }, io)
    await fleet.withdrawRenewals(id, io)
  }),
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
  onFleet(
    'revoke for keyCompromise where two others have the key',
    async (fleet, stage) => {
      const csr = stage.csr()
      for (const id of ['sensor-1', 'sensor-2', 'sensor-3']) await fleet.enroll(id, { csr })
    },
    (fleet, { io }) => fleet.revoke('sensor-1', { reason: 'keyCompromise' }, io),
  ),
  onFleet('revoke a key', sharedKey, (fleet, { io }, publicKey) =>
    fleet.revoke({ publicKey }, { reason: 'cessationOfOperation' }, io),
  ),
  onFleet('revoke a key for keyCompromise', sharedKey, (fleet, { io }, publicKey) =>
    fleet.revoke({ publicKey }, { reason: 'keyCompromise' }, io),
  ),
  onFleet(
    'revoke all of an owner',
    async (fleet, stage) => {
      for (const id of ['sensor-1', 'sensor-2']) await fleet.enroll(id, { csr: stage.csr(), owner: 'alice' })
      await fleet.renew('sensor-1', { csr: stage.csr() })
      await fleet.enroll('sensor-3', { csr: stage.csr(), owner: 'bob' })
    },
    (fleet, { io }) => fleet.revokeAll({ owner: 'alice' }, {}, io),
  ),
  onFleet(
    'revoke a batch for keyCompromise whose keys others have',
    async (fleet, stage) => {
      const csr = stage.csr()
      await fleet.enroll('sensor-1', { csr, attributes: { batch: '17' } })
      await fleet.enroll('sensor-2', { csr, attributes: { batch: '18' } })
      await fleet.enroll('sensor-3', { csr: stage.csr(), attributes: { batch: '17' } })
    },
    (fleet, { io }) => fleet.revokeAll({ attribute: { name: 'batch', value: '17' } }, { reason: 'keyCompromise' }, io),
  ),
  onFleet('revoke all of a list of devices', renewed, (fleet, { io }) =>
    fleet.revokeAll({ deviceIds: ['sensor-1', 'sensor-2'] }, { reason: 'privilegeWithdrawn' }, io),
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
  onFleet('the first OCSP answer', enrolled, askOcsp),
  onFleet(
    'the OCSP answer after a revocation',
    async (fleet, stage) => {
      const credential = await enrolled(fleet, stage)
      await askOcsp(fleet, stage, credential)
      await fleet.revoke('sensor-1')
      return credential
    },
    askOcsp,
  ),
  onFleet(
    'the OCSP answer after the end of its responder',
    async (fleet, stage) => {
      const credential = await enrolled(fleet, stage)
      await askOcsp(fleet, stage, credential)
      stage.clock.advance(8 * 86_400)
      return credential
    },
    askOcsp,
  ),
  onFleet(
    'the OCSP answer about the issuing CA',
    async fleet => {
      const found: Record<string, Certificate> = {}
      for await (const { role, certificate } of fleet.issuers()) found[role] = parseCertificate(certificate)
      return encodeOcspRequest([encodeCertId(found['root']!, found['issuingCa']!.serialNumber)])
    },
    (fleet, { io }, request) => fleet.ocsp(request, io),
  ),
  onFleet('a life: enrol, renew, revoke, CRL, enrol again', nothing, lifecycle),
  publishing('the first full CRL and its delta', renewed, (fleet, { io }) => fleet.crl({ delta: true }, io)),
  publishing(
    'a full CRL and a delta of revocations, releases and a worse reason',
    async (fleet, stage) => {
      for (const id of ['sensor-1', 'sensor-2', 'sensor-3', 'sensor-4']) await fleet.enroll(id, { csr: stage.csr() })
      await fleet.revoke('sensor-1', { reason: 'certificateHold' })
      await fleet.revoke('sensor-2', { reason: 'superseded' })
      await fleet.crl()
      await fleet.release('sensor-1')
      await fleet.revoke('sensor-2', { reason: 'keyCompromise' })
      await fleet.revoke('sensor-3')
    },
    async (fleet, { io }) => {
      await fleet.crl({ delta: true }, io)
      await fleet.revoke('sensor-4', {}, io)
      await fleet.crl({}, io)
    },
  ),
  publishing(
    'CRLs that age, and what they need not list any more',
    async (fleet, stage) => {
      await fleet.enroll('sensor-1', { csr: stage.csr(), validitySeconds: 3600 })
      await fleet.revoke('sensor-1')
      await fleet.crl()
      stage.clock.advance(7 * 86_400)
      await fleet.crl()
      stage.clock.advance(7 * 86_400)
    },
    (fleet, { io }) => fleet.crl({}, io),
  ),
  {
    ...publishing(
      'revoke and publish in three shards',
      async (fleet, stage) => {
        for (const id of ['sensor-1', 'sensor-2', 'sensor-3', 'sensor-4']) await fleet.enroll(id, { csr: stage.csr() })
      },
      async (fleet, { io }) => {
        await fleet.revoke('sensor-1', {}, io)
        for (const shard of [0, 1, 2]) await fleet.crl({ shard }, io)
      },
    ),
    fleet: { publish: { baseUrl: 'http://pki.example' }, crl: { shards: 3 } },
  },
  {
    name: 'a restart with more shards and delta CRLs',
    fleet: { publish: { baseUrl: 'http://pki.example' }, crl: { shards: 2, delta: true } },
    async prepare(stage) {
      const fleet = await stage.open({ publish: { baseUrl: 'http://pki.example' }, crl: {} })
      await fleet.enroll('sensor-1', { csr: stage.csr() })
      await fleet.revoke('sensor-1')
      await fleet.crl()
      return () => stage.open()
    },
  },
]
