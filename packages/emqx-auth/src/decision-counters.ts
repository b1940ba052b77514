import { type Denial, type DenyReason, denyReasonSentences } from './deny-reason.ts'

/** What was asked. `session`: a session that was ended. `request`: nobody knows, such as a request of a caller who is not the broker. */
export type CountedAction = Denial['action']

/** How often an action was allowed, and refused for each reason. */
export interface ActionCounters {
  /** Decisions in favour. */
  readonly allow: number
  /** Every reason is there, also those that never came. */
  readonly deny: Readonly<Record<DenyReason, number>>
}

/** Counts, and gives the counts out. */
export interface DecisionCounters {
  allowed(action: CountedAction): void
  denied(denial: Pick<Denial, 'action' | 'reason'>): void
  /** A copy. */
  read(): Readonly<Record<CountedAction, ActionCounters>>
}

const actions: readonly CountedAction[] = ['connect', 'publish', 'subscribe', 'session', 'request']
const reasons = Object.keys(denyReasonSentences) as readonly DenyReason[]

export function createDecisionCounters(): DecisionCounters {
  const none = (): Record<DenyReason, number> => Object.fromEntries(reasons.map(reason => [reason, 0])) as never
  const counts = Object.fromEntries(actions.map(action => [action, { allow: 0, deny: none() }])) as Record<
    CountedAction,
    { allow: number; deny: Record<DenyReason, number> }
  >
  return {
    allowed(action) {
      counts[action].allow += 1
    },
    denied({ action, reason }) {
      const { deny } = counts[action]
      // A reason that is none, from a face of somebody's own, is not worth a number that is none.
      if (deny[reason] !== undefined) deny[reason] += 1
    },
    read: () =>
      Object.fromEntries(
        actions.map(action => [action, { allow: counts[action].allow, deny: { ...counts[action].deny } }]),
      ) as never,
  }
}
