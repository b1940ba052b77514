import { isPkiError, PkiError } from '@fleetcert/x509'
import type { HubTransport } from '../hub/hub-transport.ts'
import { acceptCertificate } from '../identity/accept-certificate.ts'
import type { IdentityState, LoadedState, PendingCredential } from '../identity/identity-state.ts'
import { makePendingKey, publicKeyOf } from '../identity/pending-key.ts'
import type { RenewableIdentity } from '../identity/renewable-identity.ts'
import { addTrustAnchors, joinTrustAnchors, newTrustAnchors, readAnnouncement } from '../identity/trust-anchors.ts'
import { type CredentialSlots, createCredentialSlots, type Slot, type Slots, slotsOf } from './credential-slots.ts'
import { createExpiryWatch } from './expiry-watch.ts'
import type { RenewalEvents, RenewalFailedEvent } from './renewal-events.ts'
import { createRenewalPoll, retryAfterOf } from './renewal-poll.ts'
import { renewalTime, retrySeconds } from './renewal-time.ts'
import type { Timekeeper } from './timekeeper.ts'

/** What a renewal does with the device's connection. @internal */
export interface RenewalLink {
  readonly isConnected: boolean
  /** Connects anew, with what the source answers then. */
  reconnectNow(): Promise<void>
}

/** What a renewal is made of. @internal */
export interface DeviceRenewalOptions {
  readonly identity: RenewableIdentity
  readonly transport: HubTransport
  /** Whether the hub can be reached without the broker, and so also when the certificate has expired. */
  readonly isDirect: boolean
  readonly takeTrustAnchors: boolean
  readonly pollSeconds: number
  readonly link: RenewalLink
  readonly time: Timekeeper
  emit<Name extends keyof RenewalEvents>(event: Name, value: RenewalEvents[Name]): void
  /** The hub said no. */
  onRefused(error: PkiError): void
}

/** Keeps an identity renewed. @internal */
export interface DeviceRenewal {
  readonly slots: CredentialSlots
  /** Begins to look after the identity. */
  start(): void
  /** Ends; what is under way goes on to its next step and no further. */
  stop(): void
}

/** However long a step says to wait, the wall clock is looked at again: it may have been set, or the machine have slept. */
const longestSleepSeconds = 600
const clockSkewMilliseconds = 300_000
/** So often a broker refuses a new certificate before another one is asked for. */
const mostRefusals = 5
/** Of a whole renewal there are about ten. */
const mostSteps = 100
/** What is wrong with the key or the request: another key may fare better. */
const keyCodes = new Set(['ERR_PKI_KEY_POLICY', 'ERR_PKI_KEY_BLOCKED', 'ERR_PKI_CSR', 'ERR_PKI_CSR_SIGNATURE'])

type Step = RenewalFailedEvent['step']

/**
 * The renewal of one device: key, request, answer, connection, confirmation. Each step looks at the identity's state and the time alone, does one thing, and writes it down before the next, so it goes on from wherever a
 * crash, a refusal or another process has left it. Both certificates are kept until the new one has had a session and the hub has confirmed it; `credential-slots.ts` picks between them.
 */
export function createDeviceRenewal(options: DeviceRenewalOptions): DeviceRenewal {
  const { identity, transport, isDirect, takeTrustAnchors, pollSeconds, link, time, emit, onRefused } = options
  const { storage, deviceId } = identity
  const slots = createCredentialSlots({
    identity,
    prefer: 'pending',
    now: time.now,
    ...(isDirect ? { onExpired: renewExpired } : {}),
    onChange: wake,
  })
  const expiry = createExpiryWatch(emit)
  const poll = createRenewalPoll({ transport, time, pollSeconds, onFailure: tellRefusal })
  const stopped = new AbortController()
  let tryAt = 0
  let failures = 0
  let announced: string | undefined
  let isStarted = false
  let isRunning = false
  let again = false
  let cancelTimer = (): void => {}

  function wake(): void {
    if (!isStarted || stopped.signal.aborted) return
    again = true
    if (!isRunning) void run()
  }

  async function run(): Promise<void> {
    isRunning = true
    cancelTimer()
    let waitSeconds = 0
    // Bounded, so that a storage which forgets what it was told makes no process spin.
    for (let steps = 0; (again || waitSeconds === 0) && !stopped.signal.aborted; steps++) {
      again = false
      waitSeconds = await step()
      if (steps === mostSteps) {
        waitSeconds = 60
        break
      }
    }
    isRunning = false
    if (stopped.signal.aborted) return
    cancelTimer = time.wakeAfter(Math.min(Math.max(waitSeconds, 0.05), longestSleepSeconds), wake)
  }

  /** One thing; the answer is how many seconds to wait before the next, 0 for none. */
  async function step(): Promise<number> {
    let at: Step = 'request'
    let validity: Slot | undefined
    try {
      const loaded = await storage.load()
      const read = slotsOf(loaded, slots.prepare)
      const { current, pending } = read
      validity = current ?? pending
      if (current !== undefined) expiry.look(current, time.now())
      checkClock(current)
      if (pending !== undefined) {
        at = slots.inUse === pending.fingerprint ? 'confirm' : 'connect'
        return await settle(loaded, read, pending)
      }
      if (current === undefined) return longestSleepSeconds
      const pollWait = await pollWhenDue(loaded, current)
      if (pollWait === 0) return 0
      return Math.min(pollWait, await renewWhenDue(loaded, current))
    } catch (error) {
      if (stopped.signal.aborted) return longestSleepSeconds
      return fail(error, at, validity)
    }
  }

  function checkClock(current: Slot | undefined): void {
    const now = time.now().getTime()
    if (current !== undefined && current.notBefore.getTime() > now + clockSkewMilliseconds) {
      throw new PkiError('ERR_PKI_DEVICE_CLOCK', { reason: "it is earlier than the certificate's beginning" })
    }
  }

  // ── when ──────────────────────────────────────────────────────────────────

  async function renewWhenDue(loaded: LoadedState, current: Slot): Promise<number> {
    const { pending } = loaded.state
    // A key that is there already is a renewal that was begun.
    const dueAt = renewalTime(current, current.fingerprint, poll.windowOf(current.fingerprint))
    const dueSeconds = pending === undefined ? (dueAt.getTime() - time.now().getTime()) / 1000 : 0
    if (dueSeconds > 0) return dueSeconds
    const waitSeconds = tryAt - time.elapsedSeconds()
    if (waitSeconds > 0) return waitSeconds
    if (!isDirect && !link.isConnected) return longestSleepSeconds
    await request(loaded, current)
    return 0
  }

  /** Before an attempt to connect that has no chance: the hub may allow a renewal after the end. */
  async function renewExpired(): Promise<void> {
    if (tryAt > time.elapsedSeconds()) return
    const loaded = await storage.load()
    const { current } = slotsOf(loaded, slots.prepare)
    if (current === undefined) return
    try {
      checkClock(current)
      await request(loaded, current)
      // The key, then the answer.
      const key = await storage.load()
      if (key.state.pending?.certificate === undefined) await request(key, current)
    } catch (error) {
      fail(error, 'request', current)
      // It may be this clock that is wrong. The hub's word is by its own; where it has not said no, the broker may still let the device in.
      if (stopped.signal.aborted || isPkiError(error, 'ERR_PKI_HUB_REFUSED')) throw error
    }
  }

  /** How long until the hub is to be asked; 0 when its answer has changed something. */
  async function pollWhenDue(loaded: LoadedState, current: Slot): Promise<number> {
    if (poll.secondsLeft > 0) return poll.secondsLeft
    const isUseless = current.notAfter.getTime() <= time.now().getTime() || (!isDirect && !link.isConnected)
    if (isUseless) return longestSleepSeconds
    const hasChanged = await poll.ask(current, async ({ trustAnchors }) => {
      return takeTrustAnchors && (await believe(loaded, trustAnchors))
    })
    return hasChanged ? 0 : poll.secondsLeft
  }

  /** Adds what the hub announces, before it is needed. Whether anything was new. */
  async function believe({ state, revision, localTrustAnchors = '' }: LoadedState, text: unknown): Promise<boolean> {
    const announcement = readAnnouncement(text, time.now())
    const { current } = state
    if (current === undefined) return false
    const known = joinTrustAnchors(localTrustAnchors, current.trustAnchors)
    const trustAnchors = addTrustAnchors(current.trustAnchors, announcement, time.now())
    const added = newTrustAnchors(trustAnchors, known)
    if (added.length === 0) return false
    if (await storage.save({ ...state, current: { ...current, trustAnchors } }, revision)) {
      emit('trustUpdated', { added, removed: [] })
    } else {
      poll.askSoon()
    }
    return true
  }

  // ── key, request, answer ──────────────────────────────────────────────────

  async function request(loaded: LoadedState, current: Slot): Promise<void> {
    const { state, revision, localTrustAnchors = '' } = loaded
    const { pending } = state
    if (announced !== current.fingerprint) {
      announced = current.fingerprint
      emit('renewing', { notAfter: current.notAfter })
    }
    if (pending === undefined) {
      // The key is durable before anybody hears of it: what the hub certifies can be used, whatever happens.
      await storage.save({ ...state, current: state.current!, pending: await makePendingKey(deviceId) }, revision)
      return
    }
    try {
      const answer = await transport.renew(current, pending.csr)
      const now = time.now()
      const announcement = takeTrustAnchors ? readAnnouncement(answer.trustAnchors, now) : current.trustAnchors
      const accepted = acceptCertificate(answer.certificate, {
        deviceId,
        privateKey: pending.privateKey,
        publicKey: publicKeyOf(pending.privateKey),
        believed: joinTrustAnchors(localTrustAnchors, current.trustAnchors, announcement),
        // Tried without the CAs that the hub has left out; they come back if broker or hub turn out to need them.
        trustAnchors: takeTrustAnchors ? announcement : state.current!.trustAnchors,
        now,
      })
      const { certificate, trustAnchors } = accepted
      await storage.save({ ...state, pending: { ...pending, certificate, trustAnchors } }, revision)
      slots.forgive()
    } catch (error) {
      if (isOfKey(error)) await storage.save(withoutPending(state), revision)
      throw error
    }
  }

  // ── connection, confirmation ──────────────────────────────────────────────

  async function settle(loaded: LoadedState, { current }: Slots, pending: Slot): Promise<number> {
    const { state, revision } = loaded
    if (pending.notAfter.getTime() <= time.now().getTime() && current !== undefined) {
      await storage.save(withoutPending(state), revision)
      return 0
    }
    const refusal = slots.takeRefusal()
    if (refusal?.fingerprint === pending.fingerprint) return afterRefusal(loaded, refusal.error, pending)
    if (slots.inUse === pending.fingerprint) return confirm(loaded, current, pending)
    const waitSeconds = tryAt - time.elapsedSeconds()
    if (waitSeconds > 0) return waitSeconds
    // Without a session the link is at it already, and the source answers the new one first.
    if (!link.isConnected) return longestSleepSeconds
    if (current !== undefined && (state.pending?.failures ?? 0) >= mostRefusals && (await isGood(current))) {
      await storage.save(withoutPending(state), revision)
      return 0
    }
    slots.forgive()
    try {
      await link.reconnectNow()
    } catch (error) {
      if (isPkiError(error, 'ERR_PKI_CLOSED')) throw error
      // What it was has been told to the slots.
    }
    return slots.inUse === pending.fingerprint ? 0 : longestSleepSeconds
  }

  /**
   * Whether broker and hub both know the old certificate to be good. Only then may the new one be given up: a confirmation whose answer was lost has ended the old one, and the new one is what the fleet goes by, whatever a
   * broker says meanwhile.
   */
  async function isGood(current: Slot): Promise<boolean> {
    if (slots.inUse !== current.fingerprint) return false
    return transport.renewalInfo(current).then(
      () => true,
      () => false,
    )
  }

  async function afterRefusal({ state, revision }: LoadedState, error: PkiError, slot: Slot): Promise<number> {
    const pending = state.pending!
    if (error.code === 'ERR_PKI_SERVER_UNTRUSTED' && (await believeOldOnes(state, pending, revision))) {
      slots.forgive()
      return 0
    }
    const refusals = (pending.failures ?? 0) + 1
    await storage.save({ ...state, pending: { ...pending, failures: refusals } }, revision)
    failures = Math.max(failures, refusals)
    return fail(error, 'connect', slot)
  }

  /** The broker, or the hub, still stands under a CA that the hub's announcement has left out. Whether that was it. */
  async function believeOldOnes(state: IdentityState, pending: PendingCredential, revision: number): Promise<boolean> {
    const { trustAnchors: known = '' } = pending
    const trustAnchors = addTrustAnchors(known, state.current?.trustAnchors ?? '', time.now())
    if (newTrustAnchors(trustAnchors, known).length === 0) return false
    await storage.save({ ...state, pending: { ...pending, trustAnchors } }, revision)
    return true
  }

  async function confirm(
    { state, revision, localTrustAnchors }: LoadedState,
    old: Slot | undefined,
    slot: Slot,
  ): Promise<number> {
    const waitSeconds = tryAt - time.elapsedSeconds()
    if (waitSeconds > 0) return waitSeconds
    const pending = state.pending!
    let confirmed = true
    try {
      await transport.confirm(slot)
    } catch (error) {
      if (stopped.signal.aborted) throw error
      if (isPkiError(error, 'ERR_PKI_SERVER_UNTRUSTED') && (await believeOldOnes(state, pending, revision))) return 0
      // An old certificate that is over is nothing to hold on to, nor to end.
      if (old !== undefined && old.notAfter.getTime() > time.now().getTime()) throw error
      confirmed = false
    }
    const { privateKey } = pending
    const current = { certificate: pending.certificate!, privateKey, trustAnchors: pending.trustAnchors ?? '' }
    const previous = [...(old === undefined ? [] : [old.fingerprint]), ...(state.previous ?? [])].slice(0, 8)
    if (!(await storage.save({ current, previous }, revision))) return 0
    await storage.tidy?.()
    failures = 0
    tryAt = 0
    const local = localTrustAnchors ?? ''
    tellTrust(joinTrustAnchors(local, state.current?.trustAnchors ?? ''), joinTrustAnchors(local, current.trustAnchors))
    const { fingerprint, notBefore, notAfter } = slot
    emit('renewed', { fingerprint, notBefore, notAfter, confirmed })
    return 0
  }

  function tellTrust(before: string, after: string): void {
    const [added, removed] = [newTrustAnchors(after, before), newTrustAnchors(before, after)]
    if (added.length > 0 || removed.length > 0) emit('trustUpdated', { added, removed })
  }

  // ── failures ──────────────────────────────────────────────────────────────

  function fail(thrown: unknown, at: Step, validity: Slot | undefined): number {
    const error = isPkiError(thrown)
      ? thrown
      : new PkiError('ERR_PKI_IDENTITY', { reason: 'the renewal failed' }, { cause: thrown })
    failures += 1
    const year = { notBefore: new Date(0), notAfter: new Date(31_536_000_000) }
    const seconds = retrySeconds(failures, validity ?? year, {
      random: time.random,
      retryAfterSeconds: retryAfterOf(error),
    })
    tryAt = time.elapsedSeconds() + seconds
    emit('renewalFailed', { error, step: at, retrySeconds: seconds })
    tellRefusal(error)
    return seconds
  }

  function tellRefusal(error: unknown): void {
    if (stopped.signal.aborted || !isPkiError(error, 'ERR_PKI_HUB_REFUSED')) return
    const { status, retryAfterSeconds } = error.details
    if (status === 401 || status === 403 || (status === undefined && retryAfterSeconds === undefined)) onRefused(error)
  }

  return {
    slots,
    start() {
      isStarted = true
      void storage.tidy?.()
      wake()
    },
    stop() {
      stopped.abort()
      cancelTimer()
    },
  }
}

function withoutPending({ pending: _, ...state }: IdentityState): IdentityState {
  return state
}

/** Whether the same request can only be refused again: by the hub for its key, or by us for what the hub has made of it. */
function isOfKey(error: unknown): boolean {
  if (isPkiError(error, 'ERR_PKI_HUB_REFUSED')) return keyCodes.has(error.details.code ?? '')
  return isPkiError(error, 'ERR_PKI_HUB_ANSWER')
}
