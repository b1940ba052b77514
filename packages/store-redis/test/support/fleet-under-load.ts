import { setTimeout as sleep } from 'node:timers/promises'
import { type DeviceCredential, decodePem, type Fleet, memoryKeyring, openFleet, type Store } from '@fleetcert/core'
import { type BrokerAuth, type ConnectDecision, createBrokerAuth } from '@fleetcert/emqx-auth'

/** A fleet that goes on enrolling, whatever becomes of its server, and what became of that. */
export interface FleetUnderLoad {
  readonly fleet: Fleet
  /** All whose enrolment was resolved. */
  readonly enrolled: readonly DeviceCredential[]
  /** What else enrolments ended with. */
  readonly rejected: readonly unknown[]
  /** What a broker is told of a device that nobody has asked about before. */
  decideOnNew(): Promise<ConnectDecision>
  /** Of one that was asked about when all was well, so that the fleet has it in memory. */
  decideOnKnown(): Promise<ConnectDecision>
  /** Of one that was revoked when all was well. */
  decideOnRevoked(): Promise<ConnectDecision>
  /** Resolves when so many more enrolments were resolved. */
  untilEnrolled(more: number): Promise<void>
  /** Ends the load, and resolves when the last caller has its answer. */
  rest(): Promise<void>
  close(): Promise<void>
}

const callers = 4
const spares = 40

export async function fleetUnderLoad(store: Store): Promise<FleetUnderLoad> {
  const fleet = await openFleet({ store, keyring: memoryKeyring() })
  const auth: BrokerAuth = createBrokerAuth({ fleet })
  const decide = async ({ deviceId, certificate }: DeviceCredential): Promise<ConnectDecision> =>
    auth.authenticate({ clientId: deviceId, certificate: { der: decodePem(certificate)[0]!.der } })
  const enrol = (deviceId: string): Promise<DeviceCredential> => fleet.enroll(deviceId)
  const known = await enrol('known')
  const revoked = await enrol('revoked')
  await fleet.revoke('revoked')
  await decide(known)
  const unasked = await Promise.all(Array.from({ length: spares }, (_, index) => enrol(`unasked-${index}`)))

  const enrolled: DeviceCredential[] = [known, ...unasked]
  const rejected: unknown[] = []
  let isOver = false
  let count = 0
  const caller = async (): Promise<void> => {
    while (!isOver) {
      count += 1
      await enrol(`device-${count}`).then(
        credential => enrolled.push(credential),
        async error => {
          rejected.push(error)
          await sleep(5)
        },
      )
    }
  }
  const load = Promise.all(Array.from({ length: callers }, caller))
  const rest = async (): Promise<void> => {
    isOver = true
    await load
  }
  return {
    fleet,
    enrolled,
    rejected,
    decideOnNew: () => decide(unasked.pop() ?? known),
    decideOnKnown: () => decide(known),
    decideOnRevoked: () => decide(revoked),
    async untilEnrolled(more) {
      for (const wanted = enrolled.length + more; enrolled.length < wanted; ) await sleep(10)
    },
    rest,
    async close() {
      await rest()
      await fleet.close()
    },
  }
}
