import { checkNames, type Fleet, type IdentityCounters, type KnownNames, PkiError } from '@fleetcert/core'
import { type ActionCounters, type CountedAction, createDecisionCounters } from './decision-counters.ts'
import { createDecisionSlots } from './decision-slots.ts'
import type { Denial, DenyReason } from './deny-reason.ts'
import { type Evidence, type Identity, identifyEvidence, storeFailure } from './identify-evidence.ts'
import { compileBinding, type IdentityBinding } from './identity-binding.ts'
import { createRegistrar, type JustInTimeRegistration, type RegisteringFleet, type Registrar } from './just-in-time.ts'
import { bearsNames, type ReportedNames, reportedName } from './subject-name.ts'
import type { AclRule, TopicAction } from './topics/acl-rule.ts'
import { compileAcl } from './topics/compile-acl.ts'
import { compileTopicTemplates, type TopicTemplates } from './topics/topic-templates.ts'
import { commonNameAlone } from './unsafe.ts'

/** What a broker knows of a client that wants to connect. */
export interface ConnectInput {
  readonly clientId: string
  readonly username?: string
  /** The client's own certificate; without it nobody gets in, unless `identifyBy` says otherwise. */
  readonly certificate?: Evidence
  readonly peerAddress?: string
  /** The certificate's common name as the broker read it in the handshake. If it is given it must be the device id, or for a pinned certificate its own. */
  readonly commonName?: string
  /** The certificate's subject as the broker read it, RFC 4514. Where there is no certificate its one CN must be `commonName`. */
  readonly subject?: string
}

/** Who connects and what it may do, or why it may not. */
export type ConnectDecision =
  | {
      readonly result: 'allow'
      readonly deviceId: string
      readonly role: 'device' | 'service'
      readonly owner?: string
      /** Of the certificate shown: `AA:BB:…`, SHA-256. */
      readonly fingerprint: string
      /** Lower-case hex. */
      readonly serialNumber: string
      /** When the session must end, in whole seconds: the certificate's notAfter, the end of its overlap with a renewed one, or the session limit, whichever is first. In the future. */
      readonly expiresAt: Date
      /** First match decides; the last rule denies everything. */
      readonly acl: readonly AclRule[]
    }
  | { readonly result: 'deny'; readonly reason: DenyReason; readonly deviceId?: string }

/** What a broker knows when a connected client publishes or subscribes. */
export interface TopicInput {
  readonly clientId: string
  readonly username?: string
  /** The common name of the certificate that the broker verified, where it does not hand on the certificate. */
  readonly deviceId?: string
  readonly certificate?: Evidence
  readonly action: TopicAction
  /** A topic name to publish to, or a topic filter to subscribe to; `$share/<group>/<filter>` is judged as `<filter>`. */
  readonly topic: string
  readonly qos?: 0 | 1 | 2
  readonly retain?: boolean
}

/** Whether a topic may be used. */
export type TopicDecision = { readonly result: 'allow' } | { readonly result: 'deny'; readonly reason: DenyReason }

/** Decisions for a broker. Neither method ever rejects: every failure is a deny with a reason. */
export interface BrokerAuth {
  /** Judges a CONNECT. */
  authenticate(input: ConnectInput): Promise<ConnectDecision>
  /** Judges a PUBLISH, or one filter of a SUBSCRIBE, by what the device is now. */
  authorize(input: TopicInput): Promise<TopicDecision>
  /** Counts what a face (EMQX, aedes, one of your own) refused without asking: a malformed request, a caller who is not the broker, a decision that came too late. */
  count?(denial: Pick<Denial, 'action' | 'reason'>): void
}

/** What has been decided since the start. All numbers but `underWay` and the size of the fleet's memory only rise. */
export interface BrokerCounters {
  /** By action. What a face refused without asking is among them; what it allowed by the rules of a session is not. */
  readonly decisions: Readonly<Record<CountedAction, ActionCounters>>
  /** Decisions that are waiting for something now, `maxConcurrentDecisions` at most. */
  readonly underWay: number
  /** How the fleet came to know the certificates; absent for a fleet of your own making. */
  readonly identity?: IdentityCounters
}

/** A {@link BrokerAuth} that counts. */
export interface CountingBrokerAuth extends BrokerAuth {
  /** As in {@link BrokerAuth}. */
  count(denial: Pick<Denial, 'action' | 'reason'>): void
  /** How often what was decided, for metrics. Cheap: copies some numbers. */
  counters(): BrokerCounters
}

/** What decisions are made from. */
export interface BrokerAuthOptions {
  /** `register` and `issuers` are needed with `justInTime`. */
  readonly fleet: Pick<Fleet, 'identify' | 'device'> & Partial<Pick<Fleet, 'register' | 'issuers' | 'identityCounters'>>
  readonly topics?: TopicTemplates
  /** Default: client ids by `prefix`, user names ignored. */
  readonly bind?: IdentityBinding
  /** Default `certificate`: who shows none is nobody. The weaker choice is the symbol `commonNameAlone` of `@fleetcert/emqx-auth/unsafe`. */
  readonly identifyBy?: 'certificate' | typeof commonNameAlone
  /** Registers certificates of a trusted foreign CA when they are first seen. Default: what is unknown is refused. */
  readonly justInTime?: JustInTimeRegistration
  /** The longest a session may last. Default: as long as its certificate. */
  readonly sessionSeconds?: number
  /**
   * So many decisions may wait for the store at a time; default 1,000. With all of them taken, what the fleet has in memory is still decided, and the rest is refused at once (`overloaded`), so that nothing queues behind
   * the broker's own deadline: the device comes again, after its back-off.
   */
  readonly maxConcurrentDecisions?: number
  /** The same as the fleet's. Default: the system's. */
  readonly clock?: () => Date
}

const optionNames: KnownNames<BrokerAuthOptions> = {
  fleet: true,
  topics: true,
  bind: true,
  identifyBy: true,
  justInTime: true,
  sessionSeconds: true,
  maxConcurrentDecisions: true,
  clock: true,
}

const deny = (reason: DenyReason, deviceId?: string): { result: 'deny'; reason: DenyReason; deviceId?: string } =>
  deviceId === undefined ? { result: 'deny', reason } : { result: 'deny', reason, deviceId }

/**
 * Makes the decisions that brokers ask for: the identity is the certificate, known to the fleet and active, and the client id must be bound to its device.
 *
 * @throws TypeError for a malformed topic template or binding; RangeError for `sessionSeconds`
 * @example
 * const auth = createBrokerAuth({ fleet })
 * const decision = await auth.authenticate({ clientId: 'device-1', certificate: { der } })
 */
export function createBrokerAuth(options: BrokerAuthOptions): CountingBrokerAuth {
  checkNames('createBrokerAuth', options, optionNames)
  const { fleet, sessionSeconds, maxConcurrentDecisions = 1000, clock = () => new Date() } = options
  if (typeof fleet?.identify !== 'function' || typeof fleet.device !== 'function') {
    throw new TypeError('"fleet" must be a Fleet')
  }
  if (sessionSeconds !== undefined && !(Number.isSafeInteger(sessionSeconds) && sessionSeconds > 0)) {
    throw new RangeError('"sessionSeconds" must be a positive integer')
  }
  if (!(Number.isSafeInteger(maxConcurrentDecisions) && maxConcurrentDecisions > 0)) {
    throw new RangeError('"maxConcurrentDecisions" must be a positive integer')
  }
  const counters = createDecisionCounters()
  const slots = createDecisionSlots(maxConcurrentDecisions)
  const binding = compileBinding(options.bind ?? 'prefix')
  const aclOf = compileTopicTemplates(options.topics)
  const { identifyBy = 'certificate', justInTime } = options
  if (identifyBy !== 'certificate' && identifyBy !== commonNameAlone) {
    throw new TypeError('"identifyBy" must be "certificate"')
  }
  const register = justInTime && createRegistrar(fleet as RegisteringFleet, justInTime, clock)

  /** Of the device's newest certificate: by its name alone. What that is worth now is for `identify` to say, which does not trust a clock that is off. */
  async function identifyName(deviceId: string, effort: Effort): Promise<Identity> {
    if (effort !== withStore) throw busy()
    const newest = await fleet.device(deviceId)
    if (newest === undefined) return { status: 'refused', reason: 'deviceUnknown' }
    return identifyEvidence(fleet, { fingerprint: newest.fingerprint })
  }

  /** A fleet of somebody's own making may not know what `fromMemory` means. */
  const identifyBest = (evidence: Evidence, effort: Effort): Promise<Identity> =>
    effort === withStore || fleet.identityCounters !== undefined
      ? identifyEvidence(fleet, evidence, effort)
      : Promise.reject(busy())

  async function identifyOrRegister(
    input: ConnectInput,
    evidence: Evidence,
    effort: Effort,
    register: Registrar,
  ): Promise<Identity> {
    const identity = await identifyBest(evidence, effort)
    const isUnknown = identity.status === 'refused' && identity.reason === 'certificateUnknown'
    if (!isUnknown || identity.isKnown === true || !('der' in evidence)) return identity
    const { clientId, username, peerAddress, commonName } = input
    if (commonName !== undefined && !bearsNames(evidence.der, input)) {
      return { status: 'refused', reason: 'commonNameMismatch' }
    }
    const refused = await register(evidence.der, {
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(peerAddress === undefined ? {} : { peerAddress }),
    })
    return refused === undefined ? identifyEvidence(fleet, evidence) : { status: 'refused', reason: refused }
  }

  async function identifyNames(names: ReportedNames, effort: Effort): Promise<Identity> {
    if (identifyBy !== commonNameAlone) return { status: 'refused', reason: 'noCertificate' }
    const reported = reportedName(names)
    if ('refused' in reported) return { status: 'refused', reason: reported.refused }
    const identity = await identifyName(reported.name, effort)
    // A pinned certificate is known as a whole or not at all: anybody can put its name into one of his own.
    const isPinned = identity.status === 'active' && identity.certificate.state === 'pinned'
    return isPinned ? { status: 'refused', reason: 'nameAlone', deviceId: reported.name } : identity
  }

  async function authenticate(input: ConnectInput, effort: Effort): Promise<ConnectDecision> {
    if (!isRequest(input)) return deny('malformedRequest')
    const { commonName, certificate: evidence } = input
    // Needs no look-up: an empty id is bound to no device.
    if (evidence !== undefined && binding.check(input, '') === 'clientIdEmpty') return deny('clientIdEmpty')
    const identity = await (evidence === undefined
      ? identifyNames(input, effort)
      : register === undefined
        ? identifyBest(evidence, effort)
        : identifyOrRegister(input, evidence, effort, register))
    if (identity.status === 'refused') return deny(identity.reason, identity.deviceId)
    const { device, certificate, fingerprint } = identity
    const { deviceId, role } = device
    const refused = binding.check(input, deviceId)
    if (refused !== undefined) return deny(refused, deviceId)
    // Certificates of ours have CN = device id and one CN. Several, or a proxy's idea of one, read differently.
    if (commonName !== undefined) {
      const isOwn = certificate.state === 'pinned' ? bearsNames(certificate.der, input) : commonName === deviceId
      if (!isOwn) return deny('commonNameMismatch', deviceId)
    }
    const now = clock().getTime()
    let end = certificate.notAfter.getTime()
    if (certificate.supersededAt !== undefined) end = Math.min(end, certificate.supersededAt.getTime())
    if (sessionSeconds !== undefined) end = Math.min(end, now + sessionSeconds * 1000)
    const expiresAt = Math.floor(end / 1000) * 1000
    // Also for a NaN: whatever is not surely in the future has expired.
    if (!(expiresAt > now)) return deny('expired', deviceId)
    return {
      result: 'allow',
      deviceId,
      role,
      ...(device.owner === undefined ? {} : { owner: device.owner }),
      fingerprint,
      serialNumber: certificate.id.serialNumber,
      expiresAt: new Date(expiresAt),
      acl: aclOf(device),
    }
  }

  async function authorize(input: TopicInput, effort: Effort): Promise<TopicDecision> {
    if (!isRequest(input) || typeof input.topic !== 'string') return deny('malformedRequest')
    const { deviceId, action, topic } = input
    if (action !== 'publish' && action !== 'subscribe') return deny('malformedRequest')
    const identity =
      input.certificate === undefined
        ? await identifySession(input, effort)
        : await identifyBest(input.certificate, effort)
    if (identity.status === 'refused') return deny(identity.reason)
    const { device, certificate } = identity
    if (deviceId !== undefined && certificate.state !== 'pinned' && deviceId !== device.deviceId) {
      return deny('commonNameMismatch')
    }
    const refused = binding.check(input, device.deviceId) ?? compileAcl(aclOf(device))(action, topic)
    return refused === undefined ? { result: 'allow' } : deny(refused)
  }

  /** A session of which nothing is known but its names. That it is one, `authenticate` has decided: its client id belongs to the device that its certificate was of. */
  async function identifySession(
    { clientId, deviceId: commonName = '' }: TopicInput,
    effort: Effort,
  ): Promise<Identity> {
    const deviceId = binding.deviceOf(clientId)
    // Any client id with any certificate, so it names nobody; and the common name of a pinned certificate is what its owner chose.
    if (deviceId === undefined && identifyBy !== commonNameAlone) return { status: 'refused', reason: 'nameAlone' }
    if (deviceId !== undefined && deviceId !== '' && deviceId !== commonName) {
      const identity = await identifyName(deviceId, effort)
      if (identity.status === 'active' && identity.certificate.state === 'pinned') return identity
    }
    return commonName === '' ? { status: 'refused', reason: 'noCertificate' } : identifyName(commonName, effort)
  }

  /** A decision in its place among those that are under way, counted. Here every rejection becomes a deny. */
  async function decided<Decision extends ConnectDecision | TopicDecision>(
    action: CountedAction,
    decide: (effort: Effort) => Promise<Decision>,
  ): Promise<Decision | ReturnType<typeof deny>> {
    const slot = slots.take()
    let decision: Decision | ReturnType<typeof deny>
    try {
      decision = await decide(slot === undefined ? fromMemory : withStore)
    } catch (error) {
      decision = deny(storeFailure(error))
    }
    if (slot !== undefined) slots.release(slot)
    if (decision.result === 'allow') counters.allowed(action)
    else counters.denied({ action, reason: decision.reason })
    return decision
  }

  return {
    authenticate: input => decided('connect', effort => authenticate(input, effort)),
    authorize: input => decided(actionOf(input), effort => authorize(input, effort)),
    count: counters.denied,
    counters() {
      const identity = fleet.identityCounters?.()
      return {
        decisions: counters.read(),
        underWay: slots.taken,
        ...(identity === undefined ? {} : { identity }),
      }
    },
  }
}

/** What a decision may cost: a look into the store, or, where too many wait for one already, none. */
type Effort = typeof withStore | typeof fromMemory
const withStore = undefined
const fromMemory = { fromMemory: true } as const

function busy(): PkiError<'ERR_PKI_BUSY'> {
  return new PkiError('ERR_PKI_BUSY', { retryAfterSeconds: 1 })
}

function actionOf(input: TopicInput): CountedAction {
  const action: unknown = input?.action
  return action === 'publish' || action === 'subscribe' ? action : 'request'
}

function isRequest(input: ConnectInput | TopicInput): boolean {
  const evidence = input?.certificate
  return (
    typeof input?.clientId === 'string' &&
    (evidence === undefined || (typeof evidence === 'object' && evidence !== null))
  )
}
