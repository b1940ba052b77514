import type { AclRule } from '../topics/acl-rule.ts'
import { filterCovers } from '../topics/topic-filter.ts'

// `$delayed/5/any/topic` reaches `any/topic` unasked. The rules of a client never name it, but without an authorizer behind them what matches no rule is up to `authorization.no_match`, whose default is `allow`.
const denyDelayed: AclRule = Object.freeze({
  permission: 'deny',
  action: 'publish',
  topics: Object.freeze(['$delayed/#']),
})
const denySystem: AclRule = Object.freeze({ permission: 'deny', action: 'all', topics: Object.freeze(['$SYS/#']) })

/**
 * The rules of a client as EMQX must be told them: its matching is not that of MQTT in two places.
 *
 * A rule's `+` also matches the `#` at the end of a SUBSCRIBE, so `down/+` would let `down/#` in: that very filter is denied first. Where there is another `+` before it, filters that have a name in its place
 * still pass; they reach deeper below the same levels, and nothing else.
 *
 * And a rule that begins with a wildcard matches topics that begin with `$`: so what is said of those comes first.
 */
export function emqxAcl(acl: readonly AclRule[]): readonly AclRule[] {
  const allowed = acl.slice(0, -1)
  const hasWildcards = allowed.some(({ topics }) => topics.some(topic => topic.includes('+') || topic.startsWith('#')))
  if (!hasWildcards) return [...allowed, denyDelayed, ...acl.slice(-1)]
  const filters = allowed.flatMap(({ action, topics }) => (action === 'publish' ? [] : topics))
  const widened = filters.flatMap(widenedFilter).filter(wide => !filters.some(filter => filterCovers(filter, wide)))
  const guard: AclRule[] =
    widened.length === 0 ? [] : [{ permission: 'deny', action: 'subscribe', topics: widened.map(wide => `eq ${wide}`) }]
  const isOpen = allowed.some(({ topics }) => topics.some(topic => topic.startsWith('+') || topic.startsWith('#')))
  if (!isOpen) return [...guard, ...allowed, denyDelayed, ...acl.slice(-1)]
  const part = (isSystem: boolean): readonly AclRule[] =>
    allowed.flatMap(rule => {
      const topics = rule.topics.filter(topic => topic.startsWith('$') === isSystem)
      return topics.length === 0 ? [] : [{ ...rule, topics }]
    })
  return [...guard, ...part(true), denyDelayed, denySystem, ...part(false), ...acl.slice(-1)]
}

/** The filter that `…/+` and `…/+/#` let in. Behind `eq ` EMQX compares it letter by letter. */
function widenedFilter(topic: string): string[] {
  if (!topic.includes('+')) return []
  const levels = topic.split('/')
  const last = levels.at(-1) === '#' ? levels.length - 2 : levels.length - 1
  return levels[last] === '+' ? [[...levels.slice(0, last), '#'].join('/')] : []
}
