import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.abandon` of one id: `issuer, serial, at`. Answers how many. */
export const abandonOne: Script = defineScript(
  [ordered, ledger, rows, devices, indexes],
  `
local row = find_row(ARGV[1], ARGV[2])
if not row or row == true or row.state ~= RESERVED then return 0 end
append({ abandon_row(row, tonumber(ARGV[3])) })
return 1
`,
)

/** `Store.abandon` of those whose lease ran out: `before, clock, limit`. Answers how many; fewer than the limit were all. */
export const abandonLapsed: Script = defineScript(
  [ordered, ledger, rows, devices, indexes],
  `
local before = tonumber(ARGV[1])
local at = math.min(before, clock(ARGV[2]))
local events = {}
for _, member in ipairs(call('ZRANGEBYSCORE', base .. 'l', '-inf', '(' .. text(before), 'LIMIT', 0, ARGV[3])) do
  events[#events + 1] = abandon_row(get_row(member:sub(1, 6)), at)
end
append(events)
return #events
`,
)

/** `Store.extendHolder`: `instance, leaseUntil`. Looks at the open reservations, which are as many as certificates are being made at this moment. */
export const extendHolder: Script = defineScript(
  [],
  `
for _, member in ipairs(call('ZRANGE', base .. 'l', 0, -1)) do
  if member:sub(7) == ARGV[1] then call('ZADD', base .. 'l', ARGV[2], member) end
end
return 1
`,
)
