import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerRpc } from '../src/answer-rpc.ts'

const device = { deviceId: 'sensor-1', uptimeSeconds: 7 }
const answer = (text: string): ReturnType<typeof answerRpc> => answerRpc(Buffer.from(text), device)

test('ping', () => {
  expect(answer('{"id":"1","method":"ping","params":{}}')).toEqual({
    reply: { id: '1', result: { pong: true, deviceId: 'sensor-1', uptimeSeconds: 7 } },
    line: 'request "1": ping answered',
  })
  expect(answer('{"id":7,"method":"ping"}').reply).toMatchObject({ id: 7 })
})

test('what it does not know gets an error', () => {
  expect(answer('{"id":"2","method":"reboot\\n\\u001b"}')).toEqual({
    reply: { id: '2', error: { code: 'METHOD_UNKNOWN', message: expect.any(String) } },
    line: 'request "2": unknown method "reboot\\n\\u001b"',
  })
  expect(answer('{"id":"3","params":{}}').reply).toMatchObject({ id: '3', error: { code: 'METHOD_MISSING' } })
})

test.each(['', 'ping', '{', '[]', 'null', '"x"', '{}', '{"id":null,"method":"ping"}', '{"id":"","method":"ping"}'])(
  '%j is ignored',
  text => {
    expect(answer(text)).toEqual({ line: expect.stringMatching(/^ignored a request of \d+ octets: /) })
  },
)

test('what is not UTF-8, too large, or has a long id is ignored', () => {
  expect(answerRpc(Buffer.from([0x22, 0xff, 0x22]), device).reply).toBeUndefined()
  expect(answer(`{"id":"1","method":"ping","x":"${'x'.repeat(70_000)}"}`).line).toContain('too large')
  expect(answer(`{"id":"${'x'.repeat(129)}","method":"ping"}`).reply).toBeUndefined()
})

test('never throws, and its line is one line', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json().map(id => `{"id":${id},"method":${id}}`),
      ),
      text => {
        expect(answer(text).line).not.toMatch(/[\r\n]/)
      },
    ),
  )
})
