/**
 * Devices: `d:` in small hashes by device id: the epoch, the newest issued or pinned certificate, and the latest row. Rows of a device are a chain, each naming the one before it.
 *
 * `D` holds the ids of all devices that have a certificate, `p:<owner>` those whose newest one is that owner's.
 */
export const devices = `
-- Where an id is kept; SHA-1 only spreads them.
local function device_key(id)
  return base .. 'd:' .. floor(tonumber(redis.sha1hex(id):sub(1, 4), 16) / 4)
end

-- A device has one table, however often it is asked for in a script.
local known_devices = {}

local function open_device(id)
  local device = known_devices[id]
  if not device then
    local octets = call('HGET', device_key(id), id)
    device = { id = id, epoch = 0, newest = none, latest = none }
    if octets then device.epoch, device.newest, device.latest = unpacked('>I4c6c6', octets) end
    known_devices[id] = device
  end
  return device
end

local function put_device(device)
  call('HSET', device_key(device.id), device.id, pack('>I4c6c6', device.epoch, device.newest, device.latest))
end

local function epoch_of(id) return id and open_device(id).epoch or 0 end

local function owner_devices(owner) return base .. 'p:' .. pack('>I2', #owner) .. owner end

-- Makes another row the newest of its device, or none.
local function set_newest(device, row)
  local former = device.newest ~= none and get_row(device.newest) or nil
  local owner = row and row.owner
  if former and former.owner and former.owner ~= owner then ordered_remove(owner_devices(former.owner), device.id) end
  if owner and not (former and former.owner == owner) then ordered_add(owner_devices(owner), device.id) end
  if row and not former then ordered_add(base .. 'D', device.id) end
  if former and not row then ordered_remove(base .. 'D', device.id) end
  device.newest = row and row.ordinal or none
end

-- A row has become a certificate: the newest of its device, unless a newer one is there.
local function offer_newest(row)
  if not row.device then return end
  local device = open_device(row.device)
  if device.newest ~= none and number(device.newest) > number(row.ordinal) then return end
  set_newest(device, row)
  put_device(device)
end

-- The rows of a device from one on, newest first.
local function device_rows(latest)
  return function(_, row)
    local ordinal
    if row then ordinal = row.before else ordinal = latest end
    if ordinal == none then return nil end
    return get_row(ordinal)
  end
end
`
