import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { denyAll } from '../../src/topics/acl-rule.ts'
import { compileAcl } from '../../src/topics/compile-acl.ts'
import { compileTopicTemplates, type TopicSubject } from '../../src/topics/topic-templates.ts'

const device = (more: Partial<TopicSubject> = {}): TopicSubject => ({
  deviceId: 'd1',
  role: 'device',
  attributes: {},
  ...more,
})

describe('default topics', () => {
  const acl = compileTopicTemplates()

  it('are those of the owner for a device that has one, and nothing else', () => {
    expect(acl(device({ owner: 'alice' }))).toEqual([
      { permission: 'allow', action: 'all', topics: ['users/alice/devices/d1/#'] },
      denyAll,
    ])
  })
  it('are the device’s own without an owner', () => {
    expect(acl(device())).toEqual([{ permission: 'allow', action: 'all', topics: ['devices/d1/#'] }, denyAll])
  })
  it('are all devices’ for a service', () => {
    expect(acl(device({ role: 'service', owner: 'alice' }))).toEqual([
      { permission: 'allow', action: 'all', topics: ['users/+/devices/+/#', 'devices/+/#'] },
      denyAll,
    ])
  })
  it('end in a rule that denies everything, $SYS included', () => {
    expect(denyAll).toEqual({ permission: 'deny', action: 'all', topics: ['#', '$SYS/#'] })
  })
})

describe('templates', () => {
  it('fill in identifiers and attributes, per action', () => {
    const acl = compileTopicTemplates({
      device: { publish: ['t/${attributes.site}/x-${deviceId}'], subscribe: ['c/${owner}/#', 'all/#'] },
    })
    expect(acl(device({ owner: 'o', attributes: { site: 's1' } }))).toEqual([
      { permission: 'allow', action: 'publish', topics: ['t/s1/x-d1'] },
      { permission: 'allow', action: 'subscribe', topics: ['c/o/#', 'all/#'] },
      denyAll,
    ])
  })
  it('are skipped where a value is missing', () => {
    const acl = compileTopicTemplates({
      device: ['c/${owner}/#', 't/${attributes.site}', 'p/${attributes.constructor}'],
    })
    expect(acl(device())).toEqual([denyAll])
  })
  it('allow nothing when the list is empty', () => {
    expect(compileTopicTemplates({ device: [], service: {} })(device({ role: 'service' }))).toEqual([denyAll])
  })
  it.each(['+', '#', 'a/b', 'a+', '$SYS', 'a b', '', '${deviceId}', 'a\nb', 'a\0', 'a,b', 'a\\b', 'a%u', '\ud800'])(
    'are skipped where the value is %j',
    value => {
      const acl = compileTopicTemplates({ device: ['x/${owner}/#'], service: ['x/${attributes.a}'] })
      expect(acl(device({ owner: value }))).toEqual([denyAll])
      expect(acl(device({ role: 'service', attributes: { a: value } }))).toEqual([denyAll])
    },
  )
  it('never become an instruction to EMQX', () => {
    expect(compileTopicTemplates({ device: ['${owner} x/#'] })(device({ owner: 'eq' }))).toEqual([denyAll])
  })
  it('never fall back from a bad owner to the topics of a device without one', () => {
    expect(compileTopicTemplates()(device({ owner: '+' }))).toEqual([denyAll])
  })
  it('allow no topic of another device, whatever the identity is', () => {
    const acl = compileTopicTemplates()
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
        (deviceId, owner) => {
          fc.pre(deviceId !== 'victim')
          const check = compileAcl(acl(device({ deviceId, ...(owner === undefined ? {} : { owner }) })))
          for (const topic of ['users/u/devices/victim/x', 'devices/victim/x', 'victim', '$SYS/x']) {
            expect(check('publish', topic)).toBe('topicNotAllowed')
            expect(check('subscribe', topic)).toBe('topicNotAllowed')
          }
          for (const filter of ['#', '+/#', 'users/#', 'devices/+/x', '$SYS/#'])
            expect(check('subscribe', filter)).toBe('topicNotAllowed')
        },
      ),
    )
  })

  it.each([
    '${nope}',
    '${}',
    '${attributes.}',
    '${attributes.a b}',
    '${deviceId',
    'a/#/b',
    'a#',
    'x${deviceId}+',
    '',
    'a\0',
    'a\nb',
    'eq a',
    '$share/g/a',
  ])('%j is a mistake', template => {
    expect(() => compileTopicTemplates({ device: [template] })).toThrow(TypeError)
    expect(() => compileTopicTemplates({ service: { subscribe: [template] } })).toThrow(TypeError)
  })
  it.each([['a'], [[1]], [{ publish: 'a' }], [null], [7]])('%j is no list', topics => {
    expect(() => compileTopicTemplates({ device: topics as never })).toThrow(TypeError)
  })
})

describe('compileAcl', () => {
  const check = compileAcl([
    { permission: 'allow', action: 'publish', topics: ['p/#'] },
    { permission: 'allow', action: 'subscribe', topics: ['s/+/x', '$SYS/broker/uptime'] },
    denyAll,
  ])
  it.each([
    ['publish', 'p', undefined],
    ['publish', 'p/a/b', undefined],
    ['publish', 's/a/x', 'topicNotAllowed'],
    ['publish', 'p/+', 'topicInvalid'],
    ['publish', 'p/#', 'topicInvalid'],
    ['publish', '', 'topicInvalid'],
    ['publish', 'p/\0', 'topicInvalid'],
    ['publish', `p/${'x'.repeat(65_534)}`, 'topicInvalid'],
    ['publish', '$share/g/p/a', 'topicNotAllowed'],
    ['subscribe', 's/+/x', undefined],
    ['subscribe', 's/a/x', undefined],
    ['subscribe', '$share/g/s/+/x', undefined],
    ['subscribe', '$share/g/p/a', 'topicNotAllowed'],
    ['subscribe', '$share//s/a/x', 'topicInvalid'],
    ['subscribe', '$SYS/broker/uptime', undefined],
    ['subscribe', '$SYS/#', 'topicNotAllowed'],
    ['subscribe', '#', 'topicNotAllowed'],
    ['subscribe', 's/#', 'topicNotAllowed'],
    ['subscribe', 's/a#', 'topicInvalid'],
  ] as const)('%#: %s', (action, topic, reason) => {
    expect(check(action, topic)).toBe(reason)
  })
})
