import { devices } from '../lua/devices.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { revocations } from '../lua/revocations.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** A row with its lease, and of one that was ever revoked its change, whether its hold was taken back, its end and its entry; '' for what there is none of. */
const exported = `
local known_places = {}
local function export_row(list, row)
  answer_row(list, row)
  local change, released, ended, entry = '', '', '', ''
  if row.place then
    local key, slot = places_key(scope_of(row), row.place), (row.place - 1) % 128
    if not known_places[key] then known_places[key] = call('GET', key) end
    local places = known_places[key]
    local at = places and find_place(places, slot)
    if at then
      local _, is_released, _, number_of_change, ends, octets = unpacked('>BBc6I6dBc0', places, at)
      change, released, ended, entry = text(number_of_change), tostring(is_released), text(ends), octets
    end
  end
  list[#list + 1] = change
  list[#list + 1] = released
  list[#list + 1] = ended
  list[#list + 1] = entry
end
`

/** Certificates of one string of rows, in their order: `after (a number), limit`. Answers the ordinal up to which all are there, whether there may be more, then rows. */
export const exportRows: Script = defineScript(
  [ordered, ledger, rows, devices, revocations, exported],
  `
local after, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local newest = tonumber(call('HGET', base .. 'm', 'ordinal') or 0)
local first = after + 1
local last = math.min(newest, floor(first / 256) * 256 + 255, after + limit)
local answer = { text(last), last < newest and 1 or 0 }
if last < first then return answer end
local ordinals = {}
for ordinal = first, last do ordinals[#ordinals + 1] = pack('>I6', ordinal) end
for index, octets in ipairs(call('HMGET', row_key(ordinals[1]), unpack(ordinals))) do
  if octets then export_row(answer, read_row(ordinals[index], octets)) end
end
return answer
`,
)

/** Certificates by id: `issuer, serial`, again and again. Answers rows; what is not there is left out. */
export const exportRowsById: Script = defineScript(
  [ordered, ledger, rows, devices, revocations, exported],
  `
local answer = {}
for at = 1, #ARGV, 2 do
  local row = find_row(ARGV[at], ARGV[at + 1])
  if row and row ~= true then export_row(answer, row) end
end
return answer
`,
)

/** Entries of the ledger behind a sequence number: `after, limit`. Answers sequence numbers and events. */
export const exportEvents: Script = defineScript(
  [],
  `
local answer = {}
for _, entry in ipairs(call('XRANGE', base .. 'L', '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  answer[#answer + 1] = string.match(entry[1], '^%d+')
  answer[#answer + 1] = entry[2][2]
end
return answer
`,
)

/** Entries by sequence number: `sequences…`. Answers as `exportEvents`. */
export const exportEventsByKey: Script = defineScript(
  [],
  `
local answer = {}
for _, sequence in ipairs(ARGV) do
  local entry = call('XRANGE', base .. 'L', sequence .. '-0', sequence .. '-0')[1]
  if entry then
    answer[#answer + 1] = sequence
    answer[#answer + 1] = entry[2][2]
  end
end
return answer
`,
)

/** Devices whose epoch has risen, of some of the hashes they lie in: `first hash, limit`. Answers the next hash, then device ids and epochs. */
export const exportDevices: Script = defineScript(
  [],
  `
local at, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local answer = { 0 }
local until_hash = math.min(at + 256, 16384)
while at < until_hash and #answer < 2 * limit do
  local fields = call('HGETALL', base .. 'd:' .. at)
  for index = 1, #fields, 2 do
    local epoch = unpacked('>I4', fields[index + 1])
    if epoch > 0 then
      answer[#answer + 1] = fields[index]
      answer[#answer + 1] = text(epoch)
    end
  end
  at = at + 1
end
answer[1] = at
return answer
`,
)

/** Devices by id: `ids…`. Answers ids and epochs of those whose epoch has risen. */
export const exportDevicesByKey: Script = defineScript(
  [ordered, ledger, rows, devices],
  `
local answer = {}
for _, id in ipairs(ARGV) do
  local epoch = epoch_of(id)
  if epoch > 0 then
    answer[#answer + 1] = id
    answer[#answer + 1] = text(epoch)
  end
end
return answer
`,
)

/** Tokens in the order of their ends: `after or '', limit`. Answers the place of the last one or '', then hashes and tokens. */
export const exportTokens: Script = defineScript(
  [ordered],
  `
local places = ordered_after(base .. 'u', ARGV[1], tonumber(ARGV[2]))
local answer = { #places == tonumber(ARGV[2]) and places[#places] or '' }
for _, place in ipairs(places) do
  local hash = place:sub(7)
  answer[#answer + 1] = hash
  answer[#answer + 1] = call('HGET', base .. 'T', hash)
end
return answer
`,
)

/** Fields of one of the hashes by name: `hash, fields…`. Answers field and value of what is there. */
export const exportFields: Script = defineScript(
  [],
  `
local answer = {}
for index = 2, #ARGV do
  local value = call('HGET', base .. ARGV[1], ARGV[index])
  if value then
    answer[#answer + 1] = ARGV[index]
    answer[#answer + 1] = value
  end
end
return answer
`,
)

/** What scopes count: `scopes…`; all scopes without any. Answers scope, number, change, place, and the two heads or '' of each that there is. */
export const exportScopes: Script = defineScript(
  [],
  `
local answer = {}
for _, scope in ipairs(#ARGV > 0 and ARGV or call('SMEMBERS', base .. 'S')) do
  local values = call('HMGET', base .. 's:' .. scope, 'n', 'c', 'o', 'f', 'd')
  if call('EXISTS', base .. 's:' .. scope) == 1 then
    answer[#answer + 1] = scope
    answer[#answer + 1] = values[1] or '0'
    answer[#answer + 1] = values[2] or '0'
    answer[#answer + 1] = values[3] or '0'
    answer[#answer + 1] = values[4] or ''
    answer[#answer + 1] = values[5] or ''
  end
end
return answer
`,
)

/** What else the fleet counts. Answers ordinal, sequence number and newest date, or '' for the last. */
export const exportHead: Script = defineScript(
  [],
  `
local values = call('HMGET', base .. 'm', 'ordinal', 'sequence', 'newest')
return { values[1] or '0', values[2] or '0', values[3] or '' }
`,
)
