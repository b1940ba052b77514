import { leases } from '../lua/leases.ts'
import { ledger } from '../lua/ledger.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.document`. `name`. Answers the version in six octets, and the value; or nothing. */
export const document: Script = defineScript([], `return call('HGET', base .. 'w', ARGV[1])`)

/** `Store.putDocument`. `name, value, expectedVersion, lease's name, its fence or '', events…`. */
export const putDocument: Script = defineScript(
  [ledger, leases],
  `
local current, expected = call('HGET', base .. 'w', ARGV[1]), tonumber(ARGV[3])
local octets = pack('>I6', expected + 1) .. ARGV[2]
if current == octets then return 1 end
if not is_current_lease(ARGV[4], ARGV[5]) then return 0 end
if (current and number(current) or 0) ~= expected then return 0 end
call('HSET', base .. 'w', ARGV[1], octets)
append(given_events(6))
return 1
`,
)
