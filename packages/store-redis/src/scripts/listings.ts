import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/**
 * Which rows a query finds, oldest first: `find_rows(list, first, second, after, limit)` answers `limit` ordinals or more, and for `created` six octets of date before each. `after` is a place of that kind, or ''.
 * `first` and `second` are what the list is about: the hash, the owner, name and value, or the two dates.
 */
export const findRows = `
local function find_rows(list, first, second, after, limit)
  if list == 'reserved' then return open_reservations(after) end
  if list == 'pending' then
    local found = ordered_after(base .. 'q', after, limit)
    for _, ordinal in ipairs(open_reservations(after)) do
      if not is_final(get_row(ordinal)) then found[#found + 1] = ordinal end
    end
    table.sort(found, function(one, other) return number(one) < number(other) end)
    return found
  end
  if list == 'owner' then return ordered_after(owner_rows(first), after, limit) end
  if list == 'attribute' then return ordered_after(attribute_rows(first, second), after, limit) end
  if list == 'created' then
    if after == '' then after = moment(tonumber(first)) .. none end
    return ordered_after(base .. 'c', after, limit, moment(tonumber(second)))
  end
  local key, field = key_place(first)
  local only = call('HGET', key, field)
  if only == '' then return ordered_after(key_rows(first), after, limit) end
  if not only or (after ~= '' and number(only) <= number(after)) or get_row(only).key_hash ~= first then return {} end
  return { only }
end
`

/** A page of `Store.certificates` that is found by an index: `list, first, second, after, limit`. Answers whether more follow, then rows. */
export const listRows: Script = defineScript(
  [ordered, ledger, rows, devices, indexes, findRows],
  `
local limit = tonumber(ARGV[5])
local places = find_rows(ARGV[1], ARGV[2], ARGV[3], ARGV[4], limit + 1)
local answer = { #places > limit and 1 or 0 }
for index = 1, math.min(limit, #places) do answer_row(answer, get_row(places[index]:sub(-6))) end
return answer
`,
)

/** A page of one device's rows, newest first: `deviceId, before (an ordinal or ''), limit`. Answers whether more follow, then rows. */
export const listDevice: Script = defineScript(
  [ordered, ledger, rows, devices],
  `
local device = open_device(ARGV[1])
local before, limit = ARGV[2], tonumber(ARGV[3])
local from = device.latest
-- What the last page ended with, if it is still there.
local last = before ~= '' and get_row(before)
if last and last.device == ARGV[1] then from = last.before end
local answer, count = { 0 }, 0
for row in device_rows(from) do
  if before == '' or number(row.ordinal) < number(before) then
    if count == limit then
      answer[1] = 1
      break
    end
    count = count + 1
    answer_row(answer, row)
  end
end
return answer
`,
)

/**
 * Some devices with their newest certificates: `owner or '', has owner, role or '', expiringBefore or '', after, limit, how many to look at`. Answers the id that was looked at last, '' where nothing follows, then rows.
 * Work is bounded by what is looked at; whoever asks goes on.
 */
export const listDevices: Script = defineScript(
  [ordered, ledger, rows, devices],
  `
local role, expiring, limit, look = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7])
local ids = ordered_after(ARGV[2] == '1' and owner_devices(ARGV[1]) or base .. 'D', ARGV[5], look)
local answer = { '' }
for index, id in ipairs(ids) do
  local row = get_row(open_device(id).newest)
  if (role == '' or row.role == role) and (not expiring or row.not_after < expiring) then
    answer_row(answer, row)
    limit = limit - 1
  end
  if limit == 0 or index == look then
    answer[1] = id
    break
  end
end
return answer
`,
)

/** Rows by ordinal: `ordinals…`. What was pruned is left out. */
export const getRows: Script = defineScript(
  [rows],
  `
local answer = {}
for _, ordinal in ipairs(ARGV) do
  local row = get_row(ordinal)
  if row then answer_row(answer, row, true) end
end
return answer
`,
)
