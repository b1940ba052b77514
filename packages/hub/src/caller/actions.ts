import type { HubActionType } from '../hub.ts'

/** What an operator does. */
export const operatorActions: readonly HubActionType[] = [
  'enroll',
  'createToken',
  'renew',
  'revoke',
  'read',
  'list',
  'scheduleRenewals',
]

/** What a broker asks. */
export const brokerActions: readonly HubActionType[] = ['authenticate', 'authorize']

/** @throws TypeError for a list that is empty or names no action */
export function actionSet(label: string, actions: readonly HubActionType[]): ReadonlySet<HubActionType> {
  const known = [...operatorActions, ...brokerActions]
  if (!Array.isArray(actions) || actions.length === 0 || !actions.every(action => known.includes(action))) {
    throw new TypeError(`${label}: expected one or more of ${known.join(', ')}`)
  }
  return new Set(actions)
}
