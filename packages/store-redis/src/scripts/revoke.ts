import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { revocations } from '../lua/revocations.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'
import { findRows } from './listings.ts'

/** `Store.revoke`. `issuer, serial, revocation (five), events…`. Answers nothing, or: whether this call revoked, reason, date, invalidity date or ''. */
export const revoke: Script = defineScript(
  [ordered, ledger, rows, revocations],
  `
local row = find_row(ARGV[1], ARGV[2])
if not row or row == true then return {} end
local created = revoke_row(row, given_revocation(3))
if created then append(given_events(8)) end
return { created and 1 or 0, row.reason, text(row.date), row.invalidity and text(row.invalidity) or '' }
`,
)

/** `Store.revokeDevice`. `deviceId, revocation (five), event's date, type, device or '', details`. Answers issuer and serial number of each that this call revoked. */
export const revokeDevice: Script = defineScript(
  [ordered, ledger, rows, devices, revocations],
  `
local device = open_device(ARGV[1])
device.epoch = device.epoch + 1
put_device(device)
local found, events, ids = {}, {}, {}
for row in device_rows(device.latest) do found[#found + 1] = row end
local revocation = given_revocation(2)
for index = #found, 1, -1 do
  local row = found[index]
  if revoke_row(row, revocation) then
    events[#events + 1] = event_of(row, tonumber(ARGV[7]), ARGV[8], ARGV[9] ~= '' and ARGV[9] or nil, ARGV[10])
    ids[#ids + 1] = row.issuer
    ids[#ids + 1] = row.serial
  end
end
append(events)
return ids
`,
)

/**
 * `Store.revokeAll`. `list, first, second, after, limit, revocation (five), event's date, type, device or '', details, ordinal of the cursor or ''`.
 * Answers the cursor's place where more follow, else '', then issuer, serial number, whether there is a device, and its id, of each that this call revoked; or nothing, when the cursor was never given out.
 */
export const revokeAll: Script = defineScript(
  [ordered, ledger, rows, devices, indexes, revocations, findRows],
  `
if ARGV[15] ~= '' and tonumber(ARGV[15]) > tonumber(call('HGET', base .. 'm', 'ordinal') or 0) then return {} end
local limit = tonumber(ARGV[5])
local places = find_rows(ARGV[1], ARGV[2], ARGV[3], ARGV[4], limit + 1)
local answer = { #places > limit and places[limit] or '' }
local revocation, events, closed, order = given_revocation(6), {}, {}, {}
for index = 1, math.min(limit, #places) do
  local row = get_row(places[index]:sub(-6))
  if row.role ~= 'root' and row.role ~= 'issuingCa' and revoke_row(row, revocation) then
    local device = row.device or ARGV[13] ~= '' and ARGV[13] or nil
    events[#events + 1] = event_of(row, tonumber(ARGV[11]), ARGV[12], device, ARGV[14])
    answer[#answer + 1] = row.issuer
    answer[#answer + 1] = row.serial
    answer[#answer + 1] = row.device and 1 or 0
    answer[#answer + 1] = row.device or ''
    if row.device and not closed[row.device] then
      closed[row.device] = true
      order[#order + 1] = row.device
    end
  end
end
if ARGV[1] == 'owner' or ARGV[1] == 'attribute' then
  for _, id in ipairs(order) do
    local device = open_device(id)
    device.epoch = device.epoch + 1
    put_device(device)
  end
end
append(events)
return answer
`,
)

/** `Store.blockKey`. `publicKeyHash, events…`. Answers whether this call blocked it. */
export const blockKey: Script = defineScript(
  [ledger],
  `
local blocked = call('SADD', base .. 'b', ARGV[1])
if blocked == 1 then append(given_events(2)) end
return blocked
`,
)

/** `Store.release`. `issuer, serial, events…`. Answers whether it took back a hold. */
export const release: Script = defineScript(
  [ordered, ledger, rows, revocations],
  `
local row = find_row(ARGV[1], ARGV[2])
if not row or row == true or row.reason ~= 'certificateHold' then return 0 end
write_place(row, nil, removed_from_crl, true)
row.reason, row.date, row.invalidity = nil, nil, nil
put_row(row)
append(given_events(3))
return 1
`,
)
