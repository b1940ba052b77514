import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { restore } from '../lua/restore.ts'
import { revocations } from '../lua/revocations.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'
import { receiving } from './fleet-state.ts'

/**
 * `Store.importRecords`: `fleetId, note`, then of each record a letter and what belongs to it:
 * `c` ordinal, row, lease or '', change, released, ended, entry or '' · `e` sequence, event · `v` device id, epoch · `b` hash · `t` hash, expiresAt, token · `w` name, document ·
 * `s` scope, number, change, place · `h` scope, 'f' or 'd', head · `p` scope, 'f' or 'd', upload, part (from 1 on), octets · `f` lease's name, fence · `n` consumer, cursor · `m` ordinal, newest date or ''.
 *
 * All is looked at before anything is written. Answers `ok`, `inUse`, or what is wrong with a record: `<letter><reason>`.
 */
export const importRecords: Script = defineScript(
  [ordered, ledger, rows, devices, indexes, revocations, restore, receiving],
  `
if not may_import(ARGV[1]) then return 'inUse' end
local sizes = { c = 8, e = 3, v = 3, b = 2, t = 4, w = 3, s = 5, h = 4, p = 6, f = 3, n = 3, m = 3 }
local function each(visit)
  local at = 3
  while at <= #ARGV do
    local problem = visit[ARGV[at]] and visit[ARGV[at]](unpack(ARGV, at + 1, at + sizes[ARGV[at]] - 1))
    if problem then return ARGV[at] .. problem end
    at = at + sizes[ARGV[at]]
  end
end

local given, ordinals, heads = {}, {}, {}
local last_event = tonumber(call('HGET', base .. 'm', 'sequence') or 0)

local function head_of(scope, kind)
  local head = heads[scope .. kind] or call('HGET', base .. 's:' .. scope, kind)
  if not head then return nil end
  local _, upload, count = unpacked('>c32c16I4', head)
  return upload, count
end

local problem = each({
  c = function(ordinal, octets)
    local row = read_row(ordinal, octets)
    local known = given[ordinal] or get_row(ordinal)
    if known and (known.issuer ~= row.issuer or known.serial ~= row.serial) then return 'another certificate has its ordinal' end
    if known and known.body ~= row.body then return 'it is another certificate of the same id' end
    local id = row.issuer .. row.serial
    if (ordinals[id] or call('HGET', id_place(row.issuer, row.serial)) or ordinal) ~= ordinal then return 'its id has another ordinal' end
    if row.fingerprint then
      local key, field = fingerprint_place(row.fingerprint)
      if (ordinals[field] or call('HGET', key, field) or ordinal) ~= ordinal then return 'another certificate has its fingerprint' end
      ordinals[field] = ordinal
    end
    given[ordinal], ordinals[id] = row, ordinal
  end,
  e = function(sequence, event)
    if tonumber(sequence) > last_event then
      last_event = tonumber(sequence)
      given['e' .. sequence] = event
      return
    end
    local known = given['e' .. sequence]
    if not known then
      local entry = call('XRANGE', base .. 'L', sequence .. '-0', sequence .. '-0')[1]
      known = entry and entry[2][2]
    end
    if known ~= event then return 'another event has its sequence number, or is behind it' end
  end,
  h = function(scope, kind, head) heads[scope .. kind] = head end,
  p = function(scope, kind, upload, part)
    local current, count = head_of(scope, kind)
    if current ~= upload or tonumber(part) > count then return 'it is no part of the current CRL' end
  end,
})
if problem then return problem end

local at = open_counters()
local function raise(key, field, value)
  if tonumber(value) > tonumber(call('HGET', key, field) or 0) then call('HSET', key, field, value) end
end
local function is_greater(one, other)
  if #one ~= #other then return #one > #other end
  for index = 1, #one do
    local a, b = one:byte(index), other:byte(index)
    if a ~= b then return a > b end
  end
  return false
end

each({
  c = function(ordinal, octets, lease, change, released, ended, entry)
    local row = read_row(ordinal, octets)
    restore_row(row, lease)
    if row.place then restore_place(row, tonumber(change), tonumber(released), tonumber(ended), entry) end
    at.ordinal = math.max(at.ordinal, number(ordinal))
  end,
  e = function(sequence, event)
    if tonumber(sequence) <= at.sequence then return end
    call('XADD', base .. 'L', sequence .. '-0', 'e', event)
    at.sequence = tonumber(sequence)
    at.newest = math.max(at.newest, (unpacked('>d', event)))
  end,
  v = function(id, epoch)
    local device = open_device(id)
    device.epoch = math.max(device.epoch, tonumber(epoch))
    put_device(device)
  end,
  b = function(hash) call('SADD', base .. 'b', hash) end,
  t = function(hash, expires, token)
    call('HSET', base .. 'T', hash, token)
    ordered_add(base .. 'u', moment(tonumber(expires)) .. hash)
  end,
  w = function(name, document) call('HSET', base .. 'w', name, document) end,
  s = function(scope, last_number, change, place)
    local key = base .. 's:' .. scope
    call('SADD', base .. 'S', scope)
    if is_greater(last_number, call('HGET', key, 'n') or '0') then call('HSET', key, 'n', last_number) end
    raise(key, 'c', change)
    raise(key, 'o', place)
  end,
  h = function(scope, kind, head)
    local key = base .. 's:' .. scope
    call('SADD', base .. 'S', scope)
    local former = call('HGET', key, kind)
    if former then
      local _, former_upload, former_count = unpacked('>c32c16I4', former)
      local _, upload = unpacked('>c32c16', head)
      for part = 1, former_upload ~= upload and former_count or 0 do
        call('UNLINK', base .. 'y:' .. former_upload .. pack('>I4', part))
      end
    end
    call('HSET', key, kind, head)
  end,
  p = function(_, _, upload, part, octets) call('SET', base .. 'y:' .. upload .. pack('>I4', tonumber(part)), octets) end,
  f = function(name, fence)
    local octets = call('HGET', base .. 't', name)
    local known = octets and number(octets) or 0
    call('HSET', base .. 't', name, pack('>I6dB', math.max(known, tonumber(fence)), 0, 0))
  end,
  n = function(consumer, cursor) call('HSET', base .. 'n', consumer, cursor) end,
  m = function(ordinal, newest)
    at.ordinal = math.max(at.ordinal, tonumber(ordinal))
    if newest ~= '' then at.newest = math.max(at.newest, tonumber(newest)) end
  end,
})
append({})
call('HSET', base .. 'm', 'state', 'RECEIVING', 'id', ARGV[1], 'note', ARGV[2])
return 'ok'
`,
)
