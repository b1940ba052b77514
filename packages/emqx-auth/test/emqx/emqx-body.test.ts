import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxResponder } from '../../src/emqx/create-emqx-responder.ts'
import { readEmqxBody, resolveBodyKeys } from '../../src/emqx/emqx-body.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

const names = resolveBodyKeys()
const read = (contentType: string, body: string | Uint8Array) => readEmqxBody(contentType, Buffer.from(body), names)
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
      fc.property(type, fc.uint8Array({ maxLength: 200 }), (contentType, body) => {
        expect(['undefined', 'object']).toContain(typeof read(contentType, body))
      }),
    )
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
