/**
 * What every script begins with: where the fleet's keys lie, and numbers as octets.
 *
 * `KEYS[1]` is the fleet's base, `{prefix}:`. Every other key is made of it, so all of them have one hash tag and lie in one slot of a cluster.
 *
 * A certificate is known by its ordinal, six octets big-endian, in the order of creation. Octets are never compared with `<`: Lua's comparison follows the server's locale. The order of sorted sets
 * does not, so whatever has an order is kept there, and numbers are compared as numbers.
 */
export const base = `
local base = KEYS[1]
local call, pack, unpacked, floor = redis.call, struct.pack, struct.unpack, math.floor
local none = '\\0\\0\\0\\0\\0\\0'
local RESERVED, ABANDONED, ISSUED, PINNED = 0, 1, 2, 3

local function number(octets) return (unpacked('>I6', octets)) end

-- A date or count without loss: tostring() would round it to fourteen digits.
local function text(value) return string.format('%.17g', value) end

-- Milliseconds that sort as octets. Outside of what six octets hold, dates stand at the ends.
local function moment(date)
  if date < 0 then date = 0 end
  if date > 281474976710655 then date = 281474976710655 end
  return pack('>I6', floor(date))
end

-- The store's own time: the given one, or the server's.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end
`
