import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import { resolveBodyKeys } from '../../src/emqx/emqx-body.ts'
import { readEmqxBody } from '../../src/emqx/read-emqx-body.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

const dialects = ['emqx4', 'emqx5'] as const
const readAs = (dialect: (typeof dialects)[number], contentType: string, body: string | Uint8Array) =>
  readEmqxBody(contentType, Buffer.from(body), resolveBodyKeys({}, dialect), dialect)
const read = (contentType: string, body: string | Uint8Array) => readAs('emqx5', contentType, body)?.fields
const text = fc.string({
  unit: fc.constantFrom('"', '\\', 'a', 'é', '{', ':', ',', '\n', '/', '%', '+', '&', '=', '😀'),
})
const type = fc.constantFrom('application/json', 'application/x-www-form-urlencoded')

describe('readEmqxBody', () => {
  it('reads any text that EMQX can send, and finds any key that comes twice', () => {
    fc.assert(
      fc.property(text, text, text, (clientid, topic, other) => {
        const fields = { clientid, topic, [`x${other}`]: other }
        const pairs = Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        expect(read('application/json', `{${pairs}}`)).toEqual({ clientid, topic })
        for (const pair of pairs) expect(read('application/json', `{${[...pairs, pair]}}`)).toBeUndefined()
        const form = new URLSearchParams(fields).toString()
        expect(read('application/x-www-form-urlencoded', form)).toEqual({ clientid, topic })
        expect(read('application/x-www-form-urlencoded', `${form}&${form}`)).toBeUndefined()
      }),
    )
  })

  it('takes any octets without a throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...dialects),
        type,
        fc.uint8Array({ maxLength: 200 }),
        (dialect, contentType, body) => {
          expect(['undefined', 'object']).toContain(typeof readAs(dialect, contentType, body))
        },
      ),
    )
  })

  it('reads the same, letter by letter, whether or not it is as EMQX writes it', () => {
    const piece = fc.constantFrom(
      '"',
      '":"',
      '","',
      '{',
      '}',
      ':',
      ',',
      'clientid',
      'topic',
      'a',
      '\\',
      '\n',
      '\u0001',
      'é',
      ' ',
    )
    const plain = fc.array(piece, { maxLength: 12 }).map(pieces => `${pieces.join('')}}`)
    const whole = fc
      .array(fc.tuple(text, text), { maxLength: 3 })
      .map(pairs => `${pairs.map(([key, value]) => `"${key}":"${value}"`).join(',')}}`)
    fc.assert(
      fc.property(fc.constantFrom(...dialects), fc.oneof(plain, whole), (dialect, rest) => {
        // With a space it is left to JSON.parse.
        const [quick, slow] = [`{${rest}`, `{ ${rest}`].map(body => readAs(dialect, 'application/json', body))
        expect(quick?.fields).toEqual(slow?.fields)
        expect(quick?.keys.size).toBe(slow?.keys.size)
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['MII\nB', 'MII\u0000B', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'])(
    'a certificate that is not written as JSON is none: %j',
    async certificate => {
      const auth = createBrokerAuth({ fleet: stubFleet([]) })
      const denied: string[] = []
      const responder = createEmqxResponder(auth, { dialect: 'emqx5', onDeny: ({ reason }) => denied.push(reason) })
      await responder.authenticate('application/json', Buffer.from(`{"clientid":"d1","cert_pem":"${certificate}"}`))
      expect(['certificateUnparsable', 'malformedRequest']).toContain(denied[0])
    },
  )

  it('takes EMQX 4’s words for nothing as nothing, and only EMQX 4’s', () => {
    const form = 'clientid=d1&username=undefined&certificate=null&common_name=&topic=t'
    const { fields, keys } = readAs('emqx4', 'application/x-www-form-urlencoded', form)!
    expect(fields).toEqual({ clientid: 'd1', cert_common_name: '', topic: 't' })
    const sent = ['clientid', 'username', 'certificate', 'common_name', 'topic']
    expect(keys.size).toBe(sent.length)
    expect(sent.every(key => keys.has(key))).toBe(true)
    const json = '{"clientid":"null","username":null,"subject":"undefined"}'
    expect(readAs('emqx4', 'application/json', json)?.fields).toEqual({})
    expect(readAs('emqx5', 'application/json', json)).toBeUndefined()
    expect(read('application/json', '{"clientid":"undefined","username":"null"}')).toEqual({
      clientid: 'undefined',
      username: 'null',
    })
  })

  it('finds a key that comes twice beside values that look like keys', () => {
    expect(read('application/json', '{"clientid":"topic\\":","topic" : "clientid"}')).toEqual({
      clientid: 'topic":',
      topic: 'clientid',
    })
    expect(read('application/json', '{"topic":"a" ,"\\u0074opic" :"a"}')).toBeUndefined()
    expect(readAs('emqx4', 'application/json', '{"topic":null,"topic":"a"}')).toBeUndefined()
  })
})

it('lets nobody in for a request with any octet changed, but by the same certificate and a bound client id', async () => {
  const der = fakeDer('d1')
  const auth = createBrokerAuth({
    fleet: stubFleet([{ deviceId: 'd1', der }]),
    clock: () => new Date('2026-06-01T00:00:00Z'),
  })
  const responder = createEmqxResponder(auth, { dialect: 'emqx5' })
  const body = Buffer.from(
    JSON.stringify({ clientid: 'd1', cert_pem: Buffer.from(der).toString('base64'), cert_common_name: 'd1' }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(body.length - 1), fc.nat(255), async (index, octet) => {
      const changed = Buffer.from(body)
      changed[index] = octet
      const { result } = JSON.parse((await responder.authenticate('application/json', changed)).body)
      if (result !== 'allow') return
      const fields = JSON.parse(changed.toString())
      expect(fields).toMatchObject({ clientid: 'd1', cert_pem: Buffer.from(der).toString('base64') })
    }),
    { numRuns: 500 },
  )
})
