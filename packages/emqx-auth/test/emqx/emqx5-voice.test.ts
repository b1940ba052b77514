import fc from 'fast-check'
import { expect, it } from 'vitest'
import { emqx5Voice } from '../../src/emqx/emqx5-voice.ts'
import { denyAll } from '../../src/topics/acl-rule.ts'

it('an allow is the same JSON as JSON.stringify would write, whatever the texts are', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '"', '\\', '\u2028', '\ud800', '\u007f'),
  )
  const rule = fc.record({
    permission: fc.constant('allow' as const),
    action: fc.constantFrom('publish' as const, 'subscribe' as const, 'all' as const),
    topics: fc.array(text.map(topic => `t/${topic.replaceAll(/[+#]/g, '')}`)),
  })
  fc.assert(
    fc.property(
      text,
      fc.option(text, { nil: undefined }),
      text,
      fc.array(rule),
      (deviceId, owner, serialNumber, rules) => {
        const { status, contentType, body } = emqx5Voice.allowConnect({
          result: 'allow',
          deviceId,
          role: 'device',
          ...(owner === undefined ? {} : { owner }),
          fingerprint: 'AA:BB',
          serialNumber,
          expiresAt: new Date('2027-01-01T00:00:00.999Z'),
          acl: [...rules, denyAll],
        })
        expect([status, contentType]).toEqual([200, 'application/json'])
        const delayed = { permission: 'deny', action: 'publish', topics: ['$delayed/#'] }
        const attributes = {
          device_id: deviceId,
          ...(owner === undefined ? {} : { owner }),
          ...{ serial: serialNumber, fingerprint: 'AA:BB', role: 'device' },
        }
        expect(body).toBe(
          JSON.stringify({
            ...{ result: 'allow', is_superuser: false, expire_at: 1_798_761_600, client_attrs: attributes },
            acl: [...rules, delayed, { permission: 'deny', action: 'all', topics: ['#', '$SYS/#'] }],
          }),
        )
      },
    ),
  )
})
