const maximumOctets = 65_535

/** Whether `topic` can be published to: not empty, at most 65,535 octets of UTF-8, no NUL and no wildcard (MQTT 3.1.1 sections 4.7.1 and 4.7.3). */
export function isTopicName(topic: string): boolean {
  return isTopicString(topic) && !topic.includes('+') && !topic.includes('#')
}

/** Whether `filter` can be subscribed to (MQTT 3.1.1 section 4.7.1): `#` alone in the last level, `+` alone in its level. A shared subscription is read by {@link subscriptionFilter}. */
export function isTopicFilter(filter: string): boolean {
  if (!isTopicString(filter)) return false
  const levels = filter.split('/')
  return levels.every((level, index) => {
    if (level.includes('#')) return level === '#' && index === levels.length - 1
    return !level.includes('+') || level === '+'
  })
}

/**
 * The filter that a subscription is about: of `$share/<group>/<filter>` (MQTT 5.0 section 4.8.2) the filter, of anything else the text itself.
 * `undefined` if it is malformed.
 */
export function subscriptionFilter(subscription: string): string | undefined {
  if (!isTopicString(subscription)) return undefined
  let filter = subscription
  if (subscription.startsWith('$share/')) {
    // "The ShareName MUST NOT contain the characters "/", "+" or "#"" and is at least one character long.
    const groupEnd = subscription.indexOf('/', 7)
    const group = subscription.slice(7, groupEnd)
    if (groupEnd === -1 || group === '' || group.includes('+') || group.includes('#')) return undefined
    filter = subscription.slice(groupEnd + 1)
  }
  return isTopicFilter(filter) ? filter : undefined
}

/**
 * Whether every topic that matches `requested` also matches `allowed`; both are topic filters or topic names. Exact in both directions.
 * "A subscription to `#` will not receive any messages published to a topic beginning with a `$`" (MQTT 3.1.1 section 4.7.2), nor does one that begins with `+`: so neither covers a `$` topic.
 */
export function filterCovers(allowed: string, requested: string): boolean {
  return levelsCover(allowed.split('/'), requested.split('/'))
}

/** {@link filterCovers} for filters that are split into levels already. */
export function levelsCover(allowed: readonly string[], requested: readonly string[]): boolean {
  const first = allowed[0]
  if ((first === '+' || first === '#') && requested[0]!.startsWith('$')) return false
  // Every topic has a first level, so here alone `+/#` says the same as `#`.
  if (requested.length === 1 && requested[0] === '#')
    return first === '#' || (allowed.length === 2 && first === '+' && allowed[1] === '#')
  for (let index = 0; index < allowed.length; index++) {
    const level = allowed[index]!
    // "The multi-level wildcard represents the parent and any number of child levels."
    if (level === '#') return true
    const wanted = requested[index]
    if (wanted === undefined || wanted === '#') return false
    if (level !== wanted && level !== '+') return false
  }
  return requested.length === allowed.length
}

function isTopicString(text: string): boolean {
  if (typeof text !== 'string' || text === '' || text.length > maximumOctets || text.includes('\0')) return false
  // "A UTF-8 encoded string MUST NOT include … code points between U+D800 and U+DFFF" (MQTT 3.1.1 section 1.5.3).
  return text.isWellFormed() && (text.length * 3 <= maximumOctets || Buffer.byteLength(text) <= maximumOctets)
}
