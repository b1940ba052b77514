/** What a client wants to do with a topic. */
export type TopicAction = 'publish' | 'subscribe'

/** One line of a client's permissions, broker-neutral. The first rule that covers a topic decides. */
export interface AclRule {
  readonly permission: 'allow' | 'deny'
  readonly action: TopicAction | 'all'
  /** Topic filters, without placeholders. */
  readonly topics: readonly string[]
}

/** The last rule of every list. `#` matches no topic that begins with `$`, so `$SYS/#` stands beside it. */
export const denyAll: AclRule = Object.freeze({
  permission: 'deny',
  action: 'all',
  topics: Object.freeze(['#', '$SYS/#']),
})
