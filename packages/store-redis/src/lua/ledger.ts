/**
 * The ledger: a stream whose ids are sequence numbers. Scripts run one after the other, so they rise in commit order.
 *
 * An event is `date, flags, type`, then what the flags say: 1 device id, 2 certificate (issuer, serial number), 4 fingerprint as octets, 8 fingerprint as text, 16 details as JSON. The same in `event.ts`.
 */
export const ledger = `
-- The ordinal and the sequence number that were given out last, and the latest date of the ledger. Read and written once.
local counters
local function open_counters()
  if not counters then
    local values = call('HMGET', base .. 'm', 'ordinal', 'sequence', 'newest')
    counters = { ordinal = tonumber(values[1] or 0), sequence = tonumber(values[2] or 0), newest = tonumber(values[3] or '-inf') }
  end
  return counters
end

-- All events of one change, which ends with this.
local function append(events)
  if #events == 0 and not counters then return end
  local at = open_counters()
  for _, event in ipairs(events) do
    at.sequence = at.sequence + 1
    call('XADD', base .. 'L', text(at.sequence) .. '-0', 'e', event)
    at.newest = math.max(at.newest, (unpacked('>d', event)))
  end
  local newest = at.newest > -math.huge and { 'newest', text(at.newest) } or {}
  call('HSET', base .. 'm', 'ordinal', text(at.ordinal), 'sequence', text(at.sequence), unpack(newest))
end

-- The events that a call came with, from that argument on.
local function given_events(from)
  local events = {}
  for index = from, #ARGV do events[#events + 1] = ARGV[index] end
  return events
end

-- An event of one certificate. details: JSON, or ''.
local function event_of(row, at, type, device, details)
  local flags = 2
  if device then flags = flags + 1 end
  if row.fingerprint then flags = flags + 4 end
  if details ~= '' then flags = flags + 16 end
  return pack('>dBBc0', at, flags, #type, type)
    .. (device and pack('>I2c0', #device, device) or '')
    .. pack('>Bc0Bc0', #row.issuer, row.issuer, #row.serial, row.serial)
    .. (row.fingerprint and pack('>Bc0', 32, row.fingerprint) or '')
    .. (details ~= '' and pack('>I4c0', #details, details) or '')
end
`
