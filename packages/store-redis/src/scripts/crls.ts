import { leases } from '../lua/leases.ts'
import { ledger } from '../lua/ledger.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.nextCrlNumber`. `scope`. As text: a number of Lua does not hold all 63 bits. */
export const nextCrlNumber: Script = defineScript(
  [],
  `
local key = base .. 's:' .. ARGV[1]
if call('HINCRBY', key, 'n', 1) == 1 then call('SADD', base .. 'S', ARGV[1]) end
return call('HGET', key, 'n')
`,
)

/**
 * `Store.putCrl`. `scope, 'f' or 'd', number, head, digest, lease's name, its fence or '', name of the upload, how many parts, events…`. The parts lie at `z:<upload><index>` and get their places by being renamed.
 * Answers 1 when it is the current one, 0 when not, and 2 when a part is not there any more.
 *
 * A head is `digest, upload, parts, thisUpdate, nextUpdate, number, note`; what of it matters here stands at its beginning and in its number.
 */
export const putCrl: Script = defineScript(
  [ledger, leases],
  `
local key, kind, crl_number, digest, upload, count = base .. 's:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[8], tonumber(ARGV[9])
-- Decimal digits without zeros before them.
local function is_greater(one, other)
  if #one ~= #other then return #one > #other end
  for at = 1, #one do
    local a, b = one:byte(at), other:byte(at)
    if a ~= b then return a > b end
  end
  return false
end
local current = call('HGET', key, kind)
local former_upload, former_count, former_number
if current then
  local former_digest, _
  former_digest, former_upload, former_count, _, _, former_number = unpacked('>c32c16I4ddBc0', current)
  if former_number == crl_number and former_digest == digest then return 1 end
end
if not is_current_lease(ARGV[6], ARGV[7]) then return 0 end
if former_number and not is_greater(crl_number, former_number) then return 0 end
for part = 1, count do
  if call('EXISTS', base .. 'z:' .. upload .. pack('>I4', part)) == 0 then return 2 end
end
for part = 1, count do
  local name = upload .. pack('>I4', part)
  call('RENAME', base .. 'z:' .. name, base .. 'y:' .. name)
  call('PERSIST', base .. 'y:' .. name)
end
for part = 1, former_count or 0 do call('UNLINK', base .. 'y:' .. former_upload .. pack('>I4', part)) end
call('HSET', key, kind, ARGV[4])
call('SADD', base .. 'S', ARGV[1])
if is_greater(crl_number, call('HGET', key, 'n') or '0') then call('HSET', key, 'n', crl_number) end
append(given_events(10))
return 1
`,
)

/** `Store.crlState`. `scope`. Answers the last change, the last place, and the two heads or ''. */
export const crlState: Script = defineScript(
  [],
  `
local values = call('HMGET', base .. 's:' .. ARGV[1], 'c', 'o', 'f', 'd')
return { values[1] or '0', values[2] or '0', values[3] or '', values[4] or '' }
`,
)

/** Some parts of a CRL: `upload, first, last`. Answers none where another one has taken its place. */
export const crlParts: Script = defineScript(
  [],
  `
local parts = {}
for part = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local octets = call('GET', base .. 'y:' .. ARGV[1] .. pack('>I4', part))
  if not octets then return {} end
  parts[#parts + 1] = octets
end
return parts
`,
)

/** Some strings of 128 places each: `scope, first, last`. Answers '' for one that is not there. */
export const crlPlaces: Script = defineScript(
  [],
  `
local found = {}
for index = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  found[#found + 1] = call('GET', base .. 'x:' .. ARGV[1] .. pack('>I6', index)) or ''
end
return found
`,
)
