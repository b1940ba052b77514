import { leases } from '../lua/leases.ts'
import { defineScript, type Script } from '../script.ts'

/** Which sequence numbers are kept: of the oldest entry, and of the newest. */
const bounds = `
local function bounds()
  local last = tonumber(call('HGET', base .. 'm', 'sequence') or 0)
  local oldest = call('XRANGE', base .. 'L', '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(string.match(oldest[1], '^%d+')) or 1, last
end

-- Behind the entry before the first that is kept, nothing is missing.
local function is_cursor(sequence)
  local first, last = bounds()
  return sequence >= first - 1 and sequence <= last
end
`

/** `Store.ledger`. `after or '', limit`. Answers whether the cursor is one, then sequence numbers and events. */
export const ledger: Script = defineScript(
  [bounds],
  `
local after = ARGV[1]
if after ~= '' and not is_cursor(tonumber(after)) then return { 0 } end
local answer = { 1 }
for _, entry in ipairs(call('XRANGE', base .. 'L', after == '' and '-' or '(' .. after .. '-0', '+', 'COUNT', ARGV[2])) do
  answer[#answer + 1] = string.match(entry[1], '^%d+')
  answer[#answer + 1] = entry[2][2]
end
return answer
`,
)

/** `Store.cursor`. `consumer`. */
export const cursor: Script = defineScript([], `return call('HGET', base .. 'n', ARGV[1])`)

/** `Store.saveCursor`. `consumer, cursor, lease's name, its fence or ''`. Answers 1, 0 where the lease is stale, 2 where the cursor is none. */
export const saveCursor: Script = defineScript(
  [leases, bounds],
  `
if not is_current_lease(ARGV[3], ARGV[4]) then return 0 end
if ARGV[2] ~= '' and not is_cursor(tonumber(ARGV[2])) then return 2 end
call('HSET', base .. 'n', ARGV[1], ARGV[2])
return 1
`,
)
