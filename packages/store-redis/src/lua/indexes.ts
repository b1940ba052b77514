/**
 * What rows are found by: `k:` public key, `o:` owner, `a:` attribute, `c` date of creation, `q` what is abandoned and not revoked for good, `l` the leases of open reservations, and `e`: of each string of rows the
 * earliest notAfter in it, for whoever drops what expired.
 *
 * A public key has one row, nearly always: it stands in a small hash. From the second one on they are in `K:`.
 */
export const indexes = `
local listed_by_date = { device = true, service = true, server = true, custom = true }

local function key_place(key_hash)
  local a, b = key_hash:byte(1, 2)
  return bucket('k:', a, b), key_hash:sub(1, 16)
end
local function key_rows(key_hash) return base .. 'K:' .. key_hash:sub(1, 16) end
local function owner_rows(owner) return base .. 'o:' .. pack('>I2', #owner) .. owner end
local function attribute_rows(name, value) return base .. 'a:' .. pack('>I4c0I4', #name, name, #value) .. value end

local function index_row(row)
  local key, field = key_place(row.key_hash)
  if call('HSETNX', key, field, row.ordinal) == 0 then
    local first = call('HGET', key, field)
    if first ~= '' then
      ordered_add(key_rows(row.key_hash), first)
      call('HSET', key, field, '')
    end
    ordered_add(key_rows(row.key_hash), row.ordinal)
  end
  if row.owner then ordered_add(owner_rows(row.owner), row.ordinal) end
  for _, pair in ipairs(row.attributes) do ordered_add(attribute_rows(pair[1], pair[2]), row.ordinal) end
  if listed_by_date[row.role] and row.created_at >= 0 then ordered_add(base .. 'c', moment(row.created_at) .. row.ordinal) end
  call('ZADD', base .. 'e', 'LT', text(row.not_after), floor(number(row.ordinal) / 256))
end

local function forget_row(row)
  local key, field = key_place(row.key_hash)
  if call('HGET', key, field) == row.ordinal then
    call('HDEL', key, field)
  else
    ordered_remove(key_rows(row.key_hash), row.ordinal)
    if #ordered_after(key_rows(row.key_hash), '', 1) == 0 then call('HDEL', key, field) end
  end
  if row.owner then ordered_remove(owner_rows(row.owner), row.ordinal) end
  for _, pair in ipairs(row.attributes) do ordered_remove(attribute_rows(pair[1], pair[2]), row.ordinal) end
  ordered_remove(base .. 'c', moment(row.created_at) .. row.ordinal)
end

-- A reservation is no open one any more.
local function end_reservation(row)
  call('ZREM', base .. 'l', row.ordinal .. row.instance)
  row.instance = nil
  row.supersedes = nil
end

-- It is taken from its holder; the event of it. It stays among what may have been signed.
local function abandon_row(row, at)
  end_reservation(row)
  row.state = ABANDONED
  put_row(row)
  if not is_final(row) then ordered_add(base .. 'q', row.ordinal) end
  return event_of(row, at, 'abandoned', row.device, '')
end

local function lease_of(row) return tonumber(call('ZSCORE', base .. 'l', row.ordinal .. row.instance)) end

-- Ordinals of open reservations behind a place, oldest first. They are as many as certificates are being made at this moment.
local function open_reservations(after)
  local found = {}
  for _, member in ipairs(call('ZRANGE', base .. 'l', 0, -1)) do
    local ordinal = member:sub(1, 6)
    if after == '' or number(ordinal) > number(after) then found[#found + 1] = ordinal end
  end
  table.sort(found, function(one, other) return number(one) < number(other) end)
  return found
end

local function is_key_blocked(row) return call('SISMEMBER', base .. 'b', row.key_hash) == 1 end

-- Gives a row its ordinal, its place in its device's chain and in the indexes. append() follows, which writes down the ordinal.
local function insert_row(row)
  local at = open_counters()
  at.ordinal = at.ordinal + 1
  row.ordinal = pack('>I6', at.ordinal)
  row.epoch, row.before = 0, none
  if row.device then
    local device = open_device(row.device)
    row.epoch, row.before = device.epoch, device.latest
    device.latest = row.ordinal
    put_device(device)
  end
  put_row(row)
  local key, field = id_place(row.issuer, row.serial)
  call('HSET', key, field, row.ordinal)
  index_row(row)
end

-- Whether it cannot be renewed for having been renewed. What is good yet, and was replaced by what has been revoked for good, with all that has replaced that in turn, is the device's best again.
local function is_replaced(row, at)
  if not row.superseded then return false end
  if row.superseded <= at or not row.superseded_by then return true end
  local by = get_row(row.superseded_by)
  if not by then return true end
  while by do
    if not is_final(by) then return true end
    by = by.superseded_by and get_row(by.superseded_by)
  end
  return false
end
`
