import fc from 'fast-check'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../../test-support/tools.ts'
import { ordered } from '../src/lua/ordered.ts'
import { defineScript } from '../src/script.ts'
import { type RedisServer, startRedis } from './support/redis-server.ts'

// In parts of four members, so that a few make many parts.
const small = ordered
  .replace('< 128', '< 4')
  .replace('part, 64, -1', 'part, 2, -1')
  .replace('part, 64, -1', 'part, 2, -1')

const steps = defineScript(
  [small],
  `
local answers = {}
for index = 1, #ARGV, 4 do
  local what, member = ARGV[index], ARGV[index + 1]
  if what == 'add' then ordered_add(base .. 'set', member) end
  if what == 'remove' then ordered_remove(base .. 'set', member) end
  if what == 'after' then
    local bound = ARGV[index + 3] ~= '' and ARGV[index + 3] or nil
    answers[#answers + 1] = ordered_after(base .. 'set', member, tonumber(ARGV[index + 2]), bound)
  end
end
return answers
`,
)

const member = fc
  .uint8Array({ minLength: 1, maxLength: 3 })
  .map(octets => Buffer.from(octets.map(octet => (octet % 4 === 0 ? octet : octet % 6))).toString('latin1'))
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('add' as const), member }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('remove' as const), member }) },
  fc.record({
    what: fc.constant('after' as const),
    member: fc.oneof(member, fc.constant('')),
    limit: fc.integer({ min: 1, max: 40 }),
    bound: fc.oneof(fc.constant(''), member),
  }),
)

describeWith(['redis-server'], 'ordered sets', () => {
  let redis: RedisServer
  let client: ReturnType<typeof createClient>
  beforeAll(async () => {
    redis = await startRedis()
    client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
  })
  afterAll(async () => {
    client?.destroy()
    await redis?.stop()
  })

  it('hold their members in the order of octets, however they come and go, and leave nothing behind', async () => {
    expect(small).not.toContain('128')
    expect(small).not.toContain('64')
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async taken => {
        runs += 1
        const octets = (text: string): Buffer => Buffer.from(text, 'latin1')
        const members = new Set<string>()
        const expected: string[][] = []
        for (const each of taken) {
          if (each.what === 'add') members.add(each.member)
          else if (each.what === 'remove') members.delete(each.member)
          else {
            const behind = [...members].filter(one => one > each.member && (each.bound === '' || one < each.bound))
            expected.push(behind.toSorted((a, b) => Buffer.compare(octets(a), octets(b))).slice(0, each.limit))
          }
        }
        const run = (script: readonly Buffer[]): Promise<unknown> =>
          client.sendCommand(['EVAL', steps.source, '1', `{${runs}}:`, ...script], { typeMapping: { 36: Buffer } })
        const found = (await run(
          taken.flatMap(each => [
            octets(each.what),
            octets(each.member),
            octets('limit' in each ? String(each.limit) : ''),
            octets('bound' in each ? each.bound : ''),
          ]),
        )) as Buffer[][]
        expect(found.map(list => list.map(one => one.toString('latin1')))).toEqual(expected)
        await run([...members].flatMap(each => [octets('remove'), octets(each), octets(''), octets('')]))
        expect(await client.keys(`{${runs}}:*`)).toEqual([])
      }),
      { numRuns: process.env['FLEETCERT_LONG'] === '1' ? 5000 : 300 },
    )
  }, 120_000)
})
