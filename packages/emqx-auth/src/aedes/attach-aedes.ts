import type { Enforcer } from '@fleetcert/core'
import type { BrokerAuth, ConnectDecision, ConnectInput, TopicInput } from '../broker-auth.ts'
import { deadlineOf, withinDeadline } from '../deadline.ts'
import { type Denial, type DenyReason, denyReasonSentences, report } from '../deny-reason.ts'
import type { AedesAuthenticateError, AedesBroker, AedesClient, AedesPublishPacket } from './aedes-broker.ts'
import { closeClient, isClosed } from './close-client.ts'
import { peerCertificate } from './peer-certificate.ts'
import { createSessions, type Session } from './sessions.ts'
import { createSilenceMarks } from './silence-marks.ts'

/** Options of {@link attachAedes}. */
export interface AttachAedesOptions {
  /** Of the enforcer. Default `aedes`. */
  readonly name?: string
  /** Where the peer certificate comes from when it is not the connection's own TLS socket. */
  readonly peerCertificate?: (client: AedesClient) => Uint8Array | undefined
  /** A CONNECT is decided by then, or refused. Default 4. */
  readonly deadlineSeconds?: number
  /** Hears of every refusal, and of sessions that ended because their time was over, with the reason. What it throws is ignored. */
  readonly onDeny?: (denial: Denial) => void
  /** Of `auth`. Default: the system's. */
  readonly clock?: () => Date
}

/**
 * Closes a device's sessions on this broker. `gone`: their sockets are closed, their wills unpublished, and no CONNECT that was being decided meanwhile becomes a session.
 * `wasNotConnected`: the same, and there was none.
 */
export interface AedesEnforcer extends Enforcer {
  /** Rejects only when it is aborted. */
  silence(
    target: { readonly deviceId: string; readonly clientIds?: readonly string[] },
    options?: { readonly signal?: AbortSignal },
  ): Promise<'gone' | 'wasNotConnected'>
}

// A device that is silenced again and again while it connects is refused in the end.
const maximumDecisions = 3
const refusedReturnCode = 5

/**
 * Lets `auth` decide on an aedes broker: who connects (by the certificate of its TLS socket), what it publishes, subscribes to and is sent, and when its session ends.
 * Handlers that the broker has already are asked after ours, and only about what ours allows; except `authenticate`, which is replaced.
 *
 * The permissions of a session are decided once, at CONNECT: a PUBLISH costs no look-up. A will is asked about again when it is due.
 * Attach before the first connection. A refused SUBSCRIBE is answered 128; a refused PUBLISH closes the connection.
 *
 * @example
 * const broker = await Aedes.createBroker()
 * const enforcer = attachAedes(broker, createBrokerAuth({ fleet }))
 * tls.createServer({ key, cert, ca, requestCert: true }, broker.handle).listen(8883)
 */
export function attachAedes(broker: AedesBroker, auth: BrokerAuth, options: AttachAedesOptions = {}): AedesEnforcer {
  const { onDeny, clock = () => new Date() } = options
  const certificateOf = options.peerCertificate ?? peerCertificate
  const deadlineSeconds = deadlineOf(options.deadlineSeconds)
  const sessions = createSessions(clock)
  const marks = createSilenceMarks()
  const emptyClientIds = new WeakSet<AedesClient>()
  const before = {
    preConnect: broker.preConnect,
    authorizePublish: broker.authorizePublish,
    authorizeSubscribe: broker.authorizeSubscribe,
    authorizeForward: broker.authorizeForward,
  }

  /** Tells of a refusal of `auth`. */
  function refuse(reason: DenyReason, denial: Omit<Denial, 'reason'>): Error {
    report(onDeny, { reason, ...denial })
    return new Error(denyReasonSentences[reason])
  }

  /** Tells of a refusal that `auth` was not asked about. */
  function refuseUnasked(reason: DenyReason, denial: Omit<Denial, 'reason'>): Error {
    auth.count?.({ reason, action: denial.action })
    return refuse(reason, denial)
  }

  function expire({ client, deviceId }: Session): void {
    refuseUnasked('expired', { action: 'session', clientId: client.id, deviceId })
    void closeClient(client)
  }

  /** A refusal of a CONNECT that is not `auth`'s. */
  function unasked(reason: DenyReason): ConnectDecision {
    auth.count?.({ reason, action: 'connect' })
    return { result: 'deny', reason }
  }

  async function connect(
    client: AedesClient,
    username: string | undefined,
    signal: AbortSignal,
  ): Promise<ConnectDecision> {
    const der = certificateOf(client)
    const input: ConnectInput = {
      clientId: emptyClientIds.has(client) ? '' : client.id,
      ...(username === undefined ? {} : { username }),
      ...(der === undefined ? {} : { certificate: { der } }),
    }
    for (let round = 0; round < maximumDecisions; round++) {
      const ticket = marks.begin()
      try {
        const decision = await auth.authenticate(input)
        if (decision.result === 'deny') return decision
        if (ticket.isSilenced(decision.deviceId)) continue
        // From here to the end of this block nothing can come between: whoever silences the device next finds the session.
        if (!signal.aborted && !client.closed && !isClosed(client.conn)) {
          sessions.open(client, { der: der! }, decision, expire)
        }
        return decision
      } finally {
        ticket.end()
      }
    }
    return unasked('silenced')
  }

  broker.preConnect = (client, packet, callback) => {
    // aedes gives a client without an id one of its own before `authenticate` sees it.
    if (packet.clientId === '') emptyClientIds.add(client)
    before.preConnect.call(broker, client, packet, callback)
  }

  broker.authenticate = (client, username, _password, done) => {
    const late = (): ConnectDecision => unasked('deadlineExceeded')
    withinDeadline(deadlineSeconds, signal => connect(client, username, signal), late)
      .catch((): ConnectDecision => unasked('storeUnavailable'))
      .then(decision => {
        if (decision.result === 'allow') return done(null, true)
        const { reason, deviceId } = decision
        const clientId = emptyClientIds.has(client) ? '' : client.id
        const error = refuse(reason, { action: 'connect', clientId, ...(deviceId === undefined ? {} : { deviceId }) })
        // The device hears that it may not, and nothing of why.
        done(Object.assign(error, { returnCode: refusedReturnCode }) satisfies AedesAuthenticateError, false)
      })
  }

  broker.authorizePublish = (client, packet, callback) => {
    if (client === null || (packet.brokerId !== undefined && packet.brokerId !== broker.id)) {
      return void judgeLeftWill(packet, callback)
    }
    const session = sessions.get(client)
    const { topic } = packet
    const denial = {
      action: 'publish',
      clientId: client.id,
      topic,
      ...(session && { deviceId: session.deviceId }),
    } as const
    const answer = (reason: DenyReason | undefined): void => {
      if (reason === undefined) before.authorizePublish.call(broker, client, packet, callback)
      else callback(refuse(reason, denial))
    }
    const answerUnasked = (reason: DenyReason | undefined): void => {
      if (reason !== undefined) auth.count?.({ reason, action: 'publish' })
      answer(reason)
    }
    if (session === undefined) return answerUnasked('noCertificate')
    if (client.closed && !session.isSilenced) return void judgeWill(session, topic).then(answer)
    // MQTT 3.1.1 section 3.3.5: a server that does not authorize a PUBLISH either acknowledges it all the same, "or close the Network Connection". aedes closes.
    answerUnasked(session.refusal('publish', topic))
  }

  /** Nothing but its will comes from a client that is closed. The device may have been revoked since, by a process that cannot reach this broker. */
  async function judgeWill({ client, deviceId, certificate }: Session, topic: string): Promise<DenyReason | undefined> {
    const ticket = marks.begin()
    try {
      const reason = await refusal(auth, { clientId: client.id, certificate, action: 'publish', topic })
      return ticket.isSilenced(deviceId) ? 'silenced' : reason
    } finally {
      ticket.end()
    }
  }

  /** The will of a client whose broker process has died, found in the persistence. A client id that was allowed begins with its device id. */
  async function judgeLeftWill(packet: AedesPublishPacket, callback: (error?: Error | null) => void): Promise<void> {
    const { clientId = '', topic } = packet
    const deviceId = clientId.split('/', 1)[0]!
    const reason = await refusal(auth, { clientId, deviceId, action: 'publish', topic })
    if (reason !== undefined) {
      refuse(reason, { action: 'publish', clientId, deviceId, topic })
      // An error here would stop aedes at this will for good, with an `error` event. So it is published where nobody can listen.
      packet.topic = `$SYS/${broker.id}/refused/wills`
      packet.payload = ''
      packet.retain = false
      packet.qos = 0
    }
    callback(null)
  }

  broker.authorizeSubscribe = (client, subscription, callback) => {
    const session = sessions.get(client)
    const { topic } = subscription
    const reason = session === undefined ? 'noCertificate' : session.refusal('subscribe', topic)
    if (reason === undefined) return before.authorizeSubscribe.call(broker, client, subscription, callback)
    refuseUnasked(reason, {
      action: 'subscribe',
      clientId: client.id,
      topic,
      ...(session && { deviceId: session.deviceId }),
    })
    callback(null, null)
  }

  // aedes keeps every filter of a SUBSCRIBE packet in a persistent session if one of them is allowed, and queues messages for all: what is sent must be judged, too.
  broker.authorizeForward = (client, packet) => {
    const session = sessions.get(client)
    if (session === undefined || session.refusal('subscribe', packet.topic) !== undefined) return null
    return before.authorizeForward.call(broker, client, packet)
  }

  // aedes registers a client that was closed between `authenticate` and here, and then never takes it off its list.
  broker.on('client', client => {
    if (client.closed) broker.unregisterClient?.(client)
  })

  return {
    name: options.name ?? 'aedes',
    async silence({ deviceId, clientIds = [] }, { signal } = {}) {
      signal?.throwIfAborted()
      marks.mark(deviceId)
      const open = sessions.of(deviceId)
      for (const session of open) session.silence()
      // Connected before we were attached: theirs by name alone, and allowed nothing anyway.
      const strays = clientIds
        .flatMap(id => broker.clients?.[id] ?? [])
        .filter(client => sessions.get(client) === undefined)
      const clients = [...open.map(session => session.client), ...strays]
      await untilAborted(Promise.all(clients.map(closeClient)), signal)
      return clients.length > 0 ? 'gone' : 'wasNotConnected'
    },
  }
}

/** Why a topic is refused. A `BrokerAuth` does not reject; should one, that is no consent. */
function refusal(auth: BrokerAuth, input: TopicInput): Promise<DenyReason | undefined> {
  return auth.authorize(input).then(
    decision => (decision.result === 'allow' ? undefined : decision.reason),
    () => 'storeUnavailable',
  )
}

async function untilAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return void (await work)
  let stop!: () => void
  const aborted = new Promise<void>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
