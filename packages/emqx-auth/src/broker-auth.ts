import type { Fleet } from '@fleetcert/core'
import type { DenyReason } from './deny-reason.ts'
import { type Evidence, identifyEvidence, storeFailure } from './identify-evidence.ts'
import { compileBinding, type IdentityBinding } from './identity-binding.ts'
import type { AclRule, TopicAction } from './topics/acl-rule.ts'
import { compileAcl } from './topics/compile-acl.ts'
import { compileTopicTemplates, type TopicTemplates } from './topics/topic-templates.ts'

/** What a broker knows of a client that wants to connect. */
export interface ConnectInput {
  readonly clientId: string
  readonly username?: string
  /** The client's own certificate; without it nobody gets in. */
  readonly certificate?: Evidence
  readonly peerAddress?: string
  /** The certificate's common name as the broker read it. Compared with the device id if it is given; a pinned certificate keeps its own names, so there it is not. */
  readonly commonName?: string
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
}

/** What decisions are made from. */
export interface BrokerAuthOptions {
  readonly fleet: Pick<Fleet, 'identify' | 'device'>
  readonly topics?: TopicTemplates
  /** Default `prefix`. */
  readonly bind?: IdentityBinding
  /** The longest a session may last. Default: as long as its certificate. */
  readonly sessionSeconds?: number
  /** The same as the fleet's. Default: the system's. */
  readonly clock?: () => Date
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
export function createBrokerAuth(options: BrokerAuthOptions): BrokerAuth {
  const { fleet, sessionSeconds, clock = () => new Date() } = options
  if (typeof fleet?.identify !== 'function' || typeof fleet.device !== 'function') {
    throw new TypeError('"fleet" must be a Fleet')
  }
  if (sessionSeconds !== undefined && !(Number.isSafeInteger(sessionSeconds) && sessionSeconds > 0)) {
    throw new RangeError('"sessionSeconds" must be a positive integer')
  }
  const checkClientId = compileBinding(options.bind ?? 'prefix')
  const aclOf = compileTopicTemplates(options.topics)

  async function authenticate(input: ConnectInput): Promise<ConnectDecision> {
    if (!isRequest(input)) return deny('malformedRequest')
    const { clientId, certificate: evidence, commonName } = input
    if (evidence === undefined) return deny('noCertificate')
    // Needs no look-up: an empty id is bound to no device.
    if (checkClientId(clientId, '') === 'clientIdEmpty') return deny('clientIdEmpty')
    const identity = await identifyEvidence(fleet, evidence)
    if (identity.status === 'refused') return deny(identity.reason, identity.deviceId)
    const { device, certificate, fingerprint } = identity
    const { deviceId, role } = device
    const refused = checkClientId(clientId, deviceId)
    if (refused !== undefined) return deny(refused, deviceId)
    // Certificates of ours have CN = device id and one CN. Several, or a proxy's idea of one, read differently.
    if (commonName !== undefined && certificate.state !== 'pinned' && commonName !== deviceId) {
      return deny('commonNameMismatch', deviceId)
    }
    const now = clock().getTime()
    const limits = [certificate.notAfter.getTime()]
    if (certificate.supersededAt !== undefined) limits.push(certificate.supersededAt.getTime())
    if (sessionSeconds !== undefined) limits.push(now + sessionSeconds * 1000)
    const expiresAt = Math.floor(Math.min(...limits) / 1000) * 1000
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

  async function authorize(input: TopicInput): Promise<TopicDecision> {
    if (!isRequest(input) || typeof input.topic !== 'string') return deny('malformedRequest')
    const { clientId, deviceId, action, topic } = input
    if (action !== 'publish' && action !== 'subscribe') return deny('malformedRequest')
    let evidence = input.certificate
    if (evidence === undefined) {
      if (deviceId === undefined || deviceId === '') return deny('noCertificate')
      // By name alone. What the device's newest certificate is worth now is for `identify` to say, which does not trust a clock that is off.
      const newest = await fleet.device(deviceId)
      if (newest === undefined) return deny('deviceUnknown')
      evidence = { fingerprint: newest.fingerprint }
    }
    const identity = await identifyEvidence(fleet, evidence)
    if (identity.status === 'refused') return deny(identity.reason)
    const { device } = identity
    if (deviceId !== undefined && deviceId !== device.deviceId) return deny('commonNameMismatch')
    const refused = checkClientId(clientId, device.deviceId) ?? compileAcl(aclOf(device))(action, topic)
    return refused === undefined ? { result: 'allow' } : deny(refused)
  }

  // An async function turns a throw into a rejection; here every rejection becomes a deny.
  return {
    authenticate: input => authenticate(input).catch(error => deny(storeFailure(error))),
    authorize: input => authorize(input).catch(error => deny(storeFailure(error))),
  }
}

function isRequest(input: ConnectInput | TopicInput): boolean {
  const evidence = input?.certificate
  return (
    typeof input?.clientId === 'string' &&
    (evidence === undefined || (typeof evidence === 'object' && evidence !== null))
  )
}
