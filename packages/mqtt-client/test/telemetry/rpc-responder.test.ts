import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRpcResponder, type RpcEvent, type RpcMethod, type RpcPacket } from '../../src/telemetry/rpc-responder.ts'
import { type TelemetryProfile, telemetryProfile } from '../../src/telemetry/telemetry-profile.ts'

const fleetcert = telemetryProfile({ kind: 'fleetcert', deviceId: 'sensor-1', owner: 'alice' })
const thingsboard = telemetryProfile({ kind: 'thingsboard' })
const requestTopic = 'users/alice/devices/sensor-1/rpc/request'
const responseTopic = 'users/alice/devices/sensor-1/rpc/response'

function responder(
  methods: Readonly<Record<string, RpcMethod>> = { ping: () => ({ pong: true }) },
  options: {
    readonly profile?: TelemetryProfile
    readonly timeoutSeconds?: number
    readonly maxConcurrent?: number
  } = {},
) {
  const published: { topic: string; body: unknown }[] = []
  const events: RpcEvent[] = []
  const made = createRpcResponder({
    ...{ profile: fleetcert, methods, timeoutSeconds: 30, maxConcurrent: 16, ...options },
    publish: (topic, text) => published.push({ topic, body: JSON.parse(text) }),
    onRequest: event => events.push(event),
  })
  const take = (payload: string | Uint8Array, more: Partial<RpcPacket> = {}): void =>
    made.take({ topic: requestTopic, payload: Buffer.from(payload as string), ...more })
  return { ...made, take, published, events }
}

const settled = (): Promise<void> => sleep(5)

test('a request is answered', async () => {
  const { take, published, events } = responder()
  take('{"id":"1","method":"ping","params":{}}')
  take('{"id":7,"method":"ping"}')
  await settled()
  expect(published).toEqual([
    { topic: responseTopic, body: { id: '1', result: { pong: true } } },
    { topic: responseTopic, body: { id: 7, result: { pong: true } } },
  ])
  expect(events[0]).toEqual({ outcome: 'answered', id: '1', method: 'ping' })
})

test('a method gets the parameters, and may take its time; what it does not answer is null', async () => {
  const { take, published } = responder({
    double: async params => (params as { value: number }).value * 2,
    nothing: () => {},
  })
  take('{"id":"1","method":"double","params":{"value":21}}')
  take('{"id":"2","method":"nothing"}')
  await settled()
  expect(published.map(({ body }) => body)).toEqual(
    expect.arrayContaining([
      { id: '1', result: 42 },
      { id: '2', result: null },
    ]),
  )
})

test.each([
  ['{"id":"1","method":"reboot"}', 'METHOD_UNKNOWN'],
  ['{"id":"1","method":"constructor"}', 'METHOD_UNKNOWN'],
  ['{"id":"1","method":"__proto__"}', 'METHOD_UNKNOWN'],
  ['{"id":"1","params":{}}', 'METHOD_MISSING'],
  ['{"id":"1","method":7}', 'METHOD_MISSING'],
  ['{"id":"1","method":"fail"}', 'METHOD_FAILED'],
  ['{"id":"1","method":"cycle"}', 'RESULT_INVALID'],
  ['{"id":"1","method":"big"}', 'RESULT_INVALID'],
])('%s is answered with %s', async (text, code) => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const mistake = new Error('a secret of the device')
  const { take, published, events } = responder({
    fail: () => {
      throw mistake
    },
    cycle: () => cycle,
    big: () => 'x'.repeat(70_000),
  })
  take(text)
  await settled()
  expect(published).toMatchObject([{ body: { id: '1', error: { code } } }])
  expect(JSON.stringify(published)).not.toContain('secret')
  expect(events).toMatchObject([{ outcome: 'refused', code }])
  if (code === 'METHOD_FAILED') expect(events[0]).toMatchObject({ error: mistake })
})

test.each([
  ['', 'not a JSON object'],
  ['ping', 'not a JSON object'],
  ['[]', 'not a JSON object'],
  ['null', 'not a JSON object'],
  ['{}', 'no id'],
  ['{"id":null,"method":"ping"}', 'no id'],
  ['{"id":"","method":"ping"}', 'no id'],
  ['{"id":1e999,"method":"ping"}', 'no id'],
  [`{"id":"${'x'.repeat(129)}","method":"ping"}`, 'no id'],
  [`{"id":"1","method":"ping","x":"${'x'.repeat(70_000)}"}`, 'too large'],
  [Buffer.from([0x22, 0xff, 0x22]), 'not a JSON object'],
])('%j is ignored', async (payload, reason) => {
  const { take, published, events } = responder()
  take(payload)
  await settled()
  expect(published).toEqual([])
  expect(events).toEqual([{ outcome: 'ignored', octets: Buffer.from(payload as string).length, reason }])
})

test('one that is retained is from another time', async () => {
  const { take, published, events } = responder()
  take('{"id":"1","method":"ping"}', { retain: true })
  await settled()
  expect(published).toEqual([])
  expect(events).toMatchObject([{ outcome: 'ignored', reason: 'retained' }])
})

test('one that the broker brings again is done once, and answered again', async () => {
  let opened = 0
  const { take, published, events } = responder({ open: () => ++opened })
  const text = '{"id":"1","method":"open"}'
  take(text)
  take(text, { dup: true })
  await settled()
  take(text, { dup: true })
  await settled()
  expect(opened).toBe(1)
  expect(published.map(({ body }) => body)).toEqual(Array(3).fill({ id: '1', result: 1 }))
  expect(events.map(({ outcome }) => outcome)).toEqual(['answered', 'repeated', 'repeated'])
  // Asked a second time, by whoever asks.
  take(text)
  await settled()
  expect(opened).toBe(2)
})

test('no more at a time than may', async () => {
  let end = (): void => {}
  const gate = new Promise<void>(resolve => {
    end = resolve
  })
  const { take, published } = responder({ slow: () => gate }, { maxConcurrent: 2 })
  for (const id of ['1', '2', '3']) take(`{"id":"${id}","method":"slow"}`)
  await settled()
  expect(published).toMatchObject([{ body: { id: '3', error: { code: 'BUSY' } } }])
  end()
  await settled()
  expect(published).toHaveLength(3)
  take('{"id":"4","method":"slow"}')
  await settled()
  expect(published).toHaveLength(4)
})

test('a method that does not answer is told so, and the caller too', async () => {
  let aborted = false
  const hang: RpcMethod = (_, { signal }) => {
    signal.addEventListener('abort', () => {
      aborted = true
    })
    return new Promise(() => {})
  }
  const { take, published } = responder({ hang }, { timeoutSeconds: 0.01 })
  take('{"id":"1","method":"hang"}')
  await expect.poll(() => published).toMatchObject([{ body: { id: '1', error: { code: 'TIMEOUT' } } }])
  expect(aborted).toBe(true)
})

test('after close nothing is answered', async () => {
  const { take, close, published } = responder({ slow: () => sleep(20, 'done') })
  take('{"id":"1","method":"slow"}')
  close()
  await sleep(50)
  expect(published).toEqual([])
})

describe('ThingsBoard', () => {
  const ask = (id: string, text: string) => ({ topic: `v1/devices/me/rpc/request/${id}`, payload: Buffer.from(text) })

  test('has the id in the topic, and wants the result alone', async () => {
    const made = responder(undefined, { profile: thingsboard })
    made.take('', ask('12', '{"method":"ping","params":{}}'))
    made.take('', ask('13', '{"method":"reboot","params":{}}'))
    await settled()
    expect(made.published).toEqual(
      expect.arrayContaining([
        { topic: 'v1/devices/me/rpc/response/12', body: { pong: true } },
        {
          topic: 'v1/devices/me/rpc/response/13',
          body: { error: { code: 'METHOD_UNKNOWN', message: expect.any(String) } },
        },
      ]),
    )
  })

  test.each(['', '+', '#', 'a/b', 'x'.repeat(65), 'é'])('an id %j is none', async id => {
    const made = responder(undefined, { profile: thingsboard })
    made.take('', ask(id, '{"method":"ping"}'))
    await settled()
    expect(made.published).toEqual([])
    expect(made.events).toMatchObject([{ outcome: 'ignored', reason: 'no id' }])
  })

  test('its values', () => {
    const at = new Date('2027-01-02T03:04:05Z')
    expect(thingsboard.telemetry({ celsius: 21 }, undefined)).toEqual({ celsius: 21 })
    expect(thingsboard.telemetry({ celsius: 21 }, at)).toEqual({ ts: at.getTime(), values: { celsius: 21 } })
    expect(fleetcert.telemetry({ celsius: 21 }, at)).toEqual({ at: '2027-01-02T03:04:05.000Z', celsius: 21 })
  })
})

describe('a profile', () => {
  test('of a device without an owner', () => {
    expect(telemetryProfile({ kind: 'fleetcert', deviceId: 'sensor-1' }).telemetryTopic).toBe(
      'devices/sensor-1/telemetry',
    )
  })

  test.each(['', '+', '#', 'a/b', '.x', 'x'.repeat(65)])('the id %j does not go into a topic', id => {
    const code = 'ERR_PKI_DEVICE_ID'
    expect(() => telemetryProfile({ kind: 'fleetcert', deviceId: id })).toThrow(expect.objectContaining({ code }))
    expect(() => telemetryProfile({ kind: 'fleetcert', deviceId: 'x', owner: id })).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('of another kind there is none', () => {
    expect(() => telemetryProfile({ kind: 'aws' } as never)).toThrow(TypeError)
  })
})

describe('whatever the octets', () => {
  const texts = fc.oneof(
    fc.json(),
    fc.string(),
    fc.json().map(value => `{"id":${value},"method":${value},"params":${value}}`),
    fc.string().map(name => JSON.stringify({ id: name, method: name })),
  )
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    texts.map(text => new TextEncoder().encode(text)),
  )
  const topics = fc.oneof(
    fc.constantFrom(requestTopic, 'v1/devices/me/rpc/request/1'),
    fc.string().map(id => `v1/devices/me/rpc/request/${id}`),
    fc.string(),
  )

  test('it never throws, answers where it should alone, and tells in one line', async () => {
    await fc.assert(
      fc.asyncProperty(
        topics,
        payloads,
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(fleetcert, thingsboard),
        async (topic, payload, dup, retain, profile) => {
          const made = responder(undefined, { profile })
          made.take(payload, { topic, dup, retain })
          await new Promise(resolve => setImmediate(resolve))
          for (const event of made.events) expect(JSON.stringify(event)).not.toMatch(/\\[rn]/)
          for (const { topic: to } of made.published) {
            expect(to).toMatch(
              /^(users\/alice\/devices\/sensor-1\/rpc\/response|v1\/devices\/me\/rpc\/response\/[0-9A-Za-z-]{1,64})$/,
            )
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('what nests deeper than a stack is ignored', async () => {
    const { take, published, events } = responder()
    take(`{"id":"1","method":"ping","params":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)
    take('['.repeat(60_000))
    await settled()
    expect(published.length + events.filter(({ outcome }) => outcome === 'ignored').length).toBe(2)
  })
})
