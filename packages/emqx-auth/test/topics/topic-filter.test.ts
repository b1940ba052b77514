import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterCovers, isTopicFilter, isTopicName, subscriptionFilter } from '../../src/topics/topic-filter.ts'

/** MQTT 3.1.1 section 4.7 word for word, for one topic. */
function matches(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false
  const match = (levels: string[], parts: string[]): boolean => {
    const [level, ...rest] = levels
    if (level === undefined) return parts.length === 0
    if (level === '#') return true
    if (parts.length === 0) return false
    return (level === '+' || level === parts[0]) && match(rest, parts.slice(1))
  }
  return match(filter.split('/'), topic.split('/'))
}

/** Every topic of one to `depth` levels. `z` stands for all the words that no filter names. */
function* topics(depth: number): Generator<string> {
  for (const word of ['a', 'b', '', '$x', 'z']) {
    yield word
    if (depth > 1) for (const rest of topics(depth - 1)) yield `${word}/${rest}`
  }
}
const allTopics = [...topics(4)]

const word = fc.constantFrom('a', 'b', '', '$x')
const filter = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
  .filter(isTopicFilter)

describe('filterCovers', () => {
  it('covers exactly when every topic that matches the one matches the other', () => {
    let covered = 0
    fc.assert(
      fc.property(filter, filter, (allowed, requested) => {
        const expected = allTopics.every(topic => !matches(requested, topic) || matches(allowed, topic))
        if (expected) covered++
        expect(filterCovers(allowed, requested), `${allowed} covers ${requested}`).toBe(expected)
      }),
      { numRuns: 3000 },
    )
    expect(covered).toBeGreaterThan(100)
  })

  it('is matching, for a topic name', () => {
    fc.assert(
      fc.property(filter, fc.constantFrom(...allTopics), (allowed, topic) => {
        expect(filterCovers(allowed, topic)).toBe(matches(allowed, topic))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['a/#', 'a', true],
    ['a/#', 'a/#', true],
    ['a/+', 'a/#', false],
    ['+/#', '#', true],
    ['a/+/#', 'a/#', false],
    ['#', '$SYS/#', false],
    ['+/#', '$SYS/x', false],
    ['#', '+/$SYS', true],
    ['$SYS/#', '$SYS/broker', true],
    ['a/+', 'a/', true],
    ['a/b', 'a/+', false],
    ['users/+/devices/+/#', 'users/#', false],
    ['users/alice/devices/d1/#', 'users/alice/devices/d1/rpc/+/x', true],
    ['users/alice/devices/d1/#', 'users/alice/devices/d10/x', false],
    ['users/alice/devices/d1/#', 'users/alice/devices/+/x', false],
  ])('%s and %s: %s', (allowed, requested, covers) => {
    expect(filterCovers(allowed, requested)).toBe(covers)
  })
})

describe('what MQTT allows', () => {
  it.each(['a', '/', 'a//b', 'a b', 'é/ü', 'a/#', '+', '#', '+/a/+/#'])('%j is a filter', text => {
    expect(isTopicFilter(text)).toBe(true)
  })
  it.each(['', 'a#', '#/a', 'a/#/b', 'a+', 'a/+b', 'a\0', '\ud800', 'x'.repeat(65_536), 'é'.repeat(32_768)])(
    '%# is no filter',
    text => {
      expect(isTopicFilter(text)).toBe(false)
      expect(isTopicName(text)).toBe(false)
    },
  )
  it('takes 65,535 octets and wants no wildcard in a name', () => {
    expect(isTopicName('x'.repeat(65_535))).toBe(true)
    expect(isTopicName(`${'é'.repeat(32_767)}x`)).toBe(true)
    for (const topic of ['a/+', '#', 'a/#', 'a+b']) expect(isTopicName(topic)).toBe(false)
  })
  it.each([
    ['$share/g/a/+', 'a/+'],
    ['$share/g//a', '/a'],
    ['a/b', 'a/b'],
    ['$share/g', undefined],
    ['$share//a', undefined],
    ['$share/g/', undefined],
    ['$share/+/a', undefined],
    ['$share/g/#/a', undefined],
    ['$share/g/$share/h/a', '$share/h/a'],
  ])('the filter of %s is %s', (text, expected) => {
    expect(subscriptionFilter(text)).toBe(expected)
  })
})
