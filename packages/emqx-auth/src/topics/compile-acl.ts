import type { DenyReason } from '../deny-reason.ts'
import type { AclRule, TopicAction } from './acl-rule.ts'
import { isTopicName, levelsCover, subscriptionFilter } from './topic-filter.ts'

/** Judges a topic; `undefined` if it is allowed. */
export type TopicCheck = (action: TopicAction, topic: string) => DenyReason | undefined

/**
 * The check that a list of rules stands for. What no `allow` rule covers is denied, so only those are looked at: a list of ours holds a single `deny`, the last.
 * The cost of a check grows with the number of rules and the length of the topic, with nothing else.
 */
export function compileAcl(acl: readonly AclRule[]): TopicCheck {
  const allowed = (action: TopicAction): string[][] =>
    acl
      .filter(rule => rule.permission === 'allow' && (rule.action === 'all' || rule.action === action))
      .flatMap(rule => rule.topics.map(topic => topic.split('/')))
  const filters = { publish: allowed('publish'), subscribe: allowed('subscribe') }
  return (action, topic) => {
    const wanted = action === 'publish' ? (isTopicName(topic) ? topic : undefined) : subscriptionFilter(topic)
    if (wanted === undefined) return 'topicInvalid'
    const levels = wanted.split('/')
    return filters[action].some(filter => levelsCover(filter, levels)) ? undefined : 'topicNotAllowed'
  }
}
