import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { revocations } from '../lua/revocations.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** Drops entries from the front of the ledger: `before, limit`. The newest one stays: the clock is checked against it. Answers how many. */
export const pruneLedger: Script = defineScript(
  [],
  `
local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local entries = call('XRANGE', base .. 'L', '-', '+', 'COUNT', limit + 1)
for index, entry in ipairs(entries) do
  if index == #entries or unpacked('>d', entry[2][2]) >= before then
    if index == 1 then return 0 end
    return call('XTRIM', base .. 'L', 'MINID', '=', entry[1])
  end
end
return 0
`,
)

/**
 * Drops certificates that expired, of one string of rows: `before, limit, how many of those strings to pass over`. Answers how many it dropped, and 0 at the end, 1 where that string has more to drop, 2 where it holds
 * what expired and has to stay.
 *
 * RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL issued beyond the revoked certificate's validity period."
 */
export const pruneCertificates: Script = defineScript(
  [ordered, ledger, rows, devices, indexes, revocations],
  `
local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local function was_listed(row)
  if not row.reason or row.state == PINNED then return true end
  local head = call('HGET', base .. 's:' .. scope_of(row), 'f')
  if not head then return false end
  local _, _, _, this_update = unpacked('>c32c16I4d', head)
  return this_update > row.not_after and this_update > row.date
end

local function leave_device(row)
  local device = open_device(row.device)
  if device.latest == row.ordinal then
    device.latest = row.before
  else
    for other in device_rows(device.latest) do
      if other.before == row.ordinal then
        other.before = row.before
        put_row(other)
        break
      end
    end
  end
  if device.newest == row.ordinal then
    local newest
    for other in device_rows(device.latest) do
      if other.state >= ISSUED then
        newest = other
        break
      end
    end
    set_newest(device, newest)
  end
  -- An epoch above 0 says that the device was revoked: that is not forgotten.
  if device.latest == none and device.epoch == 0 then
    call('HDEL', device_key(device.id), device.id)
  else
    put_device(device)
  end
end

local function drop(row)
  if row.state == RESERVED then end_reservation(row) end
  if row.device then leave_device(row) end
  if row.state == ABANDONED then ordered_remove(base .. 'q', row.ordinal) end
  forget_row(row)
  forget_place(row)
  local key, field = id_place(row.issuer, row.serial)
  call('HDEL', key, field)
  if row.fingerprint then
    key, field = fingerprint_place(row.fingerprint)
    call('HDEL', key, field)
  end
  call('HDEL', row_key(row.ordinal), row.ordinal)
  known_rows[row.ordinal] = false
end

local string_of_rows = call('ZRANGEBYSCORE', base .. 'e', '-inf', '(' .. text(before), 'LIMIT', ARGV[3], 1)[1]
if not string_of_rows then return { 0, 0 } end
local dropped, kept, earliest = 0, 0, math.huge
local fields = call('HGETALL', base .. 'r:' .. string_of_rows)
for index = 1, #fields, 2 do
  local ordinal = fields[index]
  if known_rows[ordinal] == nil then known_rows[ordinal] = read_row(ordinal, fields[index + 1]) end
  local row = known_rows[ordinal]
  if dropped < limit and row.not_after < before and was_listed(row) then
    drop(row)
    dropped = dropped + 1
  else
    kept = kept + 1
    earliest = math.min(earliest, row.not_after)
  end
end
if kept == 0 then
  call('ZREM', base .. 'e', string_of_rows)
else
  call('ZADD', base .. 'e', text(earliest), string_of_rows)
end
return { dropped, dropped < limit and earliest < before and 2 or 1 }
`,
)

/** Drops tokens that expired: `before, limit`. Answers how many. */
export const pruneTokens: Script = defineScript(
  [ordered],
  `
local places = ordered_after(base .. 'u', '', tonumber(ARGV[2]), moment(tonumber(ARGV[1])))
for _, place in ipairs(places) do
  ordered_remove(base .. 'u', place)
  call('HDEL', base .. 'T', place:sub(7))
end
return #places
`,
)
