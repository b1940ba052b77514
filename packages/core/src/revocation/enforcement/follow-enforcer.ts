import { isPkiError } from '@fleetcert/x509'
import { currentCertificate } from '../../fleet/current-certificate.ts'
import { statusAt } from '../../fleet/device-record.ts'
import type { Enforcer } from '../../fleet/fleet.ts'
import type { FleetWarning } from '../../fleet/fleet-warning.ts'
import { listAll } from '../../fleet/list-all.ts'
import type { Cursor, FleetEvent, FleetEventInput, Store } from '../../store/store.ts'
import { createEnforcementJournal } from './enforcement-journal.ts'
import type { AdmissionCause, EnforcementState } from './enforcement-state.ts'
import {
  createTasks,
  type DeviceEvent,
  type RecentSilence,
  type SilenceOutcome,
  type Task,
} from './enforcement-tasks.ts'

/** How many devices one enforcer is asked for at a time. */
const atATime = 100
/** How many devices may be open before the ledger is read on: they are written with each receipt. */
const mostOpen = 1000
const pageSize = 500
/** The consumer whose cursor is that place. */
export const placeName = 'enforcement'
/** Receipts are written with the next look; so many are a reason to look at once. */
const receiptsAtOnce = 250
/** A place in the ledger is kept this often where nothing else is to be written. */
const saveMilliseconds = 5000
const longestPause = 300_000
// Without the journal: what is older was enforced by whoever made it, or is enforced by whoever has the journal.
const lookBackMilliseconds = 60_000
const pastRecords = 32

export interface FollowEnforcerOptions {
  readonly store: Store
  readonly clock: () => Date
  readonly enforcer: Enforcer
  /** This process and this enforcer in it. */
  readonly holder: string
  /** Whether another enforcer of this process has the same name: then this one has no journal. */
  readonly isDouble: boolean
  readonly attemptSeconds: number
  readonly closed: AbortSignal
  readonly onWarning: (warning: FleetWarning) => void
  /** What was begun in this process when it made the revocation of that event; `undefined` for another's. */
  readonly recent: (event: FleetEvent) => RecentSilence | undefined
  /** A place in the ledger that the end had reached, or passed, when this process was opened. */
  readonly place: Promise<Cursor>
  /** After a first failure; doubled after each further one, up to five minutes. Default 1,000. */
  readonly firstPauseMilliseconds?: number
}

/** Follows the ledger for one enforcer. */
export interface EnforcerFollower {
  /** Looks at the ledger, begins what is due, writes down what is done. Never rejects; a second call while one is under way does nothing. */
  look(): Promise<void>
  /** Writes down what is done, and lets another process go on. Never rejects. */
  close(): Promise<void>
}

/**
 * Tells one enforcer, by the ledger, of every device that was revoked or held, until it has confirmed: again after a failure, with a pause that doubles, and after a restart from where it was. For each that it confirmed, one
 * `enforced` event is the receipt, appended in the same step that says that it is done.
 *
 * One process at a time has the enforcer's journal. Another process does nothing with a shared enforcer, and without receipts the same with one of its own sessions.
 */
export function followEnforcer(options: FollowEnforcerOptions): EnforcerFollower {
  const { store, clock, enforcer, closed, firstPauseMilliseconds = 1000 } = options
  const attemptSeconds = Math.max(options.attemptSeconds, enforcer.attemptSeconds ?? 0)
  const journal = createEnforcementJournal(store, enforcer.name, options.holder)
  const tasks = createTasks()
  const since = clock().getTime() - lookBackMilliseconds
  let after: Cursor | undefined
  let hasJournal = false
  let receipts: FleetEventInput[] = []
  let isChanged = false
  let savedAt = Number.NEGATIVE_INFINITY
  let savedAfter: Cursor | undefined
  /** Rises when the journal is taken over: what began before has no receipt to give. */
  let term = 0
  let poked: NodeJS.Timeout | undefined
  /** What was being written when its answer was lost. */
  let unheard: { readonly state: EnforcementState; readonly receipts: readonly FleetEventInput[] } | undefined
  let running = 0
  let busy: Promise<void> | undefined
  let warnedAt = Number.NEGATIVE_INFINITY

  const begin = async (keep: boolean): Promise<void> => {
    if (keep) {
      const state = await journal.load()
      tasks.forget()
      tasks.restore(state?.open ?? [])
      receipts = []
      unheard = undefined
      isChanged = false
      after = state?.after ?? ''
      savedAfter = after
      term += 1
    }
    // What was revoked before this process was opened has no session here. The journal may be ahead of that: its holder asked sessions of its own.
    after ??= await options.place
    hasJournal = keep
  }

  /** Whether there is anything to follow for. */
  const claim = async (): Promise<boolean> => {
    const hold = options.isDouble ? 'elsewhere' : await journal.hold()
    if (hold === 'taken' || (hold === 'held' && !hasJournal)) await begin(true)
    if (hold !== 'elsewhere') return true
    if (enforcer.shared === true && !options.isDouble) {
      hasJournal = false
      tasks.forget()
      return false
    }
    if (after === undefined || hasJournal) await begin(false)
    return true
  }

  const causeOf = async (event: DeviceEvent): Promise<AdmissionCause | undefined> => {
    const { type } = event
    if (type !== 'issued' && type !== 'renewed' && type !== 'registered' && type !== 'released') return undefined
    if (enforcer.admit !== undefined) return type
    if (enforcer.readmit === undefined || type === 'renewed') return undefined
    return type === 'released' || (await wasRevoked(store, event.deviceId)) ? type : undefined
  }

  const read = async (): Promise<void> => {
    while (tasks.size < mostOpen && after !== undefined) {
      const page = await store.ledger({ after, limit: pageSize })
      const found: { readonly event: DeviceEvent; readonly cause: AdmissionCause | undefined }[] = []
      for (const item of page.items) {
        const { deviceId, type } = item
        if (deviceId === undefined || (!hasJournal && item.at.getTime() < since)) continue
        const event = { ...item, deviceId }
        const cause = await causeOf(event)
        if (cause !== undefined || type === 'revoked' || type === 'held') found.push({ event, cause })
      }
      // In one step with the place: a page that is half taken would be taken twice.
      for (const { event, cause } of found) {
        if (cause === undefined) tasks.silence(event, options.recent(event))
        else tasks.admit(event, cause)
      }
      after = page.next
      if (page.items.length === 0) return
    }
  }

  const write = async (): Promise<void> => {
    if (!hasJournal) {
      receipts = []
      return
    }
    const isDue = after !== savedAfter && performance.now() - savedAt >= saveMilliseconds
    if (unheard === undefined && receipts.length === 0 && !isChanged && !isDue) return
    if (unheard === undefined) {
      unheard = { state: { after: after ?? '', open: tasks.state() }, receipts }
      receipts = []
      isChanged = false
    }
    const isMine = await journal.save(unheard.state, unheard.receipts)
    savedAfter = unheard.state.after
    unheard = undefined
    if (!isMine) {
      hasJournal = false
      return
    }
    if (performance.now() - savedAt < saveMilliseconds) return
    savedAt = performance.now()
    // Best effort: it spares those without the journal the ledger's past.
    await store.saveCursor(placeName, savedAfter, undefined).catch(() => {})
  }

  const attempt = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const signal = AbortSignal.any([closed, AbortSignal.timeout(attemptSeconds * 1000)])
    signal.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const stop = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      // An enforcer that does not heed its signal must not take a place for ever.
      return await Promise.race([work(signal), aborted.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  const silence = async (task: Task): Promise<SilenceOutcome> => {
    const { recent, deviceId } = task
    task.recent = undefined
    if (recent !== undefined) {
      const { confirmed } = await recent.enforcement
      const outcome = recent.outcomes.get(enforcer.name)
      if (outcome !== undefined && confirmed.includes(enforcer.name)) return outcome
    }
    return attempt(signal => enforcer.silence({ deviceId, clientIds: [deviceId] }, { signal }))
  }

  const admit = async (deviceId: string, cause: AdmissionCause): Promise<void> => {
    const record = await currentCertificate(store, deviceId, clock())
    // Revoked since: that is told, too.
    if (record?.der === undefined || statusAt(record, clock()) !== 'active') return
    const target = { deviceId, clientIds: [deviceId], cause, role: record.role, certificate: record.der }
    await attempt(async signal => (enforcer.admit ?? enforcer.readmit)?.call(enforcer, target, { signal }))
  }

  const run = async (task: Task): Promise<void> => {
    const { deviceId, silenceAt, admit: cause, sequence } = task
    const begunIn = term
    // What only waits for the answer to a call of this process takes nobody's place.
    const places = task.recent === undefined ? 1 : 0
    task.isRunning = true
    running += places
    try {
      if (silenceAt !== undefined) {
        const outcome = await silence(task)
        // A later revocation asks again, for a session may have come in between; and so does a journal that was taken over, for the receipt.
        if (begunIn === term && task.silenceAt === silenceAt) task.silenceAt = undefined
        const details = { enforcer: enforcer.name, outcome, through: sequence }
        if (begunIn === term) receipts.push({ type: 'enforced', at: clock(), deviceId, details })
      } else if (cause !== undefined) {
        await admit(deviceId, cause)
        if (task.sequence === sequence) task.admit = undefined
      }
      task.failures = 0
      task.notBefore = 0
      isChanged = true
      if (task.silenceAt === undefined && task.admit === undefined) tasks.delete(task)
    } catch (error) {
      task.failures += 1
      const pause = Math.min(firstPauseMilliseconds * 2 ** (task.failures - 1), longestPause)
      // Half of it by chance: those that failed together come back one by one.
      task.notBefore = performance.now() + pause / 2 + (Math.random() * pause) / 2
      warn(deviceId, error, Math.ceil(pause / 1000))
    } finally {
      task.isRunning = false
      running -= places
      start()
      if (receipts.length >= receiptsAtOnce) poke()
    }
  }

  const warn = (deviceId: string, error: unknown, retrySeconds: number): void => {
    // A broker that is down fails for every device.
    if (closed.aborted || performance.now() - warnedAt < 60_000) return
    warnedAt = performance.now()
    options.onWarning({ type: 'deviceNotSilenced', enforcer: enforcer.name, deviceId, error, retrySeconds })
  }

  const start = (): void => {
    if (closed.aborted) return
    const now = performance.now()
    for (const task of tasks) {
      if (running >= atATime && task.recent === undefined) continue
      if (!task.isRunning && task.notBefore <= now) void run(task)
    }
  }

  const lookOnce = async (): Promise<void> => {
    if (!(await claim())) return
    // What was written and not heard of comes first: it says what is done already.
    await write()
    await read()
    start()
    await write()
  }

  const poke = (): void => {
    poked ??= setTimeout(() => {
      poked = undefined
      if (!closed.aborted) void look()
    }, 0).unref()
  }

  const look = (): Promise<void> => {
    busy ??= lookOnce()
      .catch((error: unknown) => {
        // What lay between was pruned away, or the store was restored: from the beginning. Anything else is met again at the next look.
        if (isPkiError(error, 'ERR_PKI_CURSOR')) after = ''
      })
      .finally(() => {
        busy = undefined
      })
    return busy
  }

  return {
    look,
    async close() {
      clearTimeout(poked)
      await busy
      if (hasJournal) {
        isChanged = true
        await write().catch(() => {})
      }
      await journal.release().catch(() => {})
    },
  }
}

/** Whether something of the device was ever revoked. Nobody looks through thousands of certificates: beyond some it is taken for one that was. */
async function wasRevoked(store: Store, deviceId: string): Promise<boolean> {
  let seen = 0
  for await (const record of listAll(store, { list: 'device', deviceId }, undefined, undefined, 8)) {
    if (record.revocation !== undefined) return true
    seen += 1
    if (seen === pastRecords) return true
  }
  return false
}
