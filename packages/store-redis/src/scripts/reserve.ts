import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/**
 * `Store.reserve`. `body, tbsCertificate, instance, leaseUntil, expectation ('any', 'newDevice' or 'supersedes'), fingerprint, at, tokenHash or '', events…`.
 *
 * All is decided before anything is written.
 */
export const reserve: Script = defineScript(
  [ordered, ledger, rows, devices, indexes],
  `
local row = read_body({ state = RESERVED, body = ARGV[1], octets = ARGV[2], instance = ARGV[3] })
local now = row.created_at

local known = find_row(row.issuer, row.serial)
if known then
  -- Of an abandoned one the holder is gone; its commit answers 'lost'.
  local same = known ~= true and known.state <= ABANDONED and known.octets == row.octets and known.device == row.device
    and (known.state == ABANDONED or known.instance == row.instance)
  return same and 'reserved' or 'serialTaken'
end
if is_key_blocked(row) then return 'keyBlocked' end

local function is_open(other) return other.state == RESERVED and not is_final(other) end
local function has_lease(other) return lease_of(other) >= now end
local function is_live(other)
  return other.state >= ISSUED and not is_final(other) and not (other.superseded and other.superseded <= now) and other.not_after >= now
end

-- Reservations in the way whose lease has run out: they are taken from their holders.
local lapsed = {}
local device = row.device and open_device(row.device)
local superseded
if ARGV[5] == 'newDevice' then
  for other in device_rows(device.latest) do
    if is_live(other) then return 'expectationFailed' end
    if is_open(other) then
      if has_lease(other) then return 'expectationFailed' end
      lapsed[#lapsed + 1] = other
    end
  end
elseif ARGV[5] == 'supersedes' then
  superseded = find_by_fingerprint(ARGV[6])
  if not superseded or superseded.fingerprint ~= ARGV[6] or not row.device or superseded.device ~= row.device or superseded.reason then
    return 'deviceClosed'
  end
  if is_replaced(superseded, now) then return 'expectationFailed' end
  local other = superseded.renewed_by and get_row(superseded.renewed_by)
  if other and is_open(other) then
    if has_lease(other) then return 'expectationFailed' end
    lapsed[#lapsed + 1] = other
  end
end

local token
if ARGV[8] ~= '' then
  local octets = call('HGET', base .. 'T', ARGV[8])
  if not octets then return 'tokenSpent' end
  local expires, epoch, spent_by, token_device, at = unpacked('>dI4c6I2c0', octets)
  if token_device ~= row.device or expires <= now then return 'tokenSpent' end
  if spent_by ~= none then
    -- A token is free again when what spent it will never be a certificate. What was pruned had become one, as far as anybody knows.
    local spender = get_row(spent_by)
    if not spender or spender.state >= ISSUED then return 'tokenSpent' end
    if is_open(spender) then
      if has_lease(spender) then return 'tokenSpent' end
      if lapsed[1] ~= spender then lapsed[#lapsed + 1] = spender end
    end
  end
  if epoch ~= (device and device.epoch or 0) then return 'deviceClosed' end
  token = { expires = expires, epoch = epoch, rest = octets:sub(19) }
end

local events, taken = {}, {}
for _, other in ipairs(lapsed) do
  if not taken[other.ordinal] then
    taken[other.ordinal] = true
    events[#events + 1] = abandon_row(other, now)
  end
end
if superseded then row.supersedes, row.supersede_at = superseded.ordinal, tonumber(ARGV[7]) end
insert_row(row)
call('ZADD', base .. 'l', ARGV[4], row.ordinal .. row.instance)
if superseded then
  superseded.renewed_by = row.ordinal
  put_row(superseded)
end
if token then call('HSET', base .. 'T', ARGV[8], pack('>dI4c6', token.expires, token.epoch, row.ordinal) .. token.rest) end
for _, event in ipairs(given_events(9)) do events[#events + 1] = event end
append(events)
return 'reserved'
`,
)
