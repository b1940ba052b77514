import { devices } from '../lua/devices.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.supersede`. `issuer, serial, at, event's date, event's type, event's device or '', event's details`. Answers issuer and serial number of each whose end moved. */
export const supersede: Script = defineScript(
  [ordered, ledger, rows, devices],
  `
local row = find_row(ARGV[1], ARGV[2])
if not row or row == true or row.state < ISSUED or row.reason or not row.device then return {} end
local at = tonumber(ARGV[3])
local moved, events, ids = {}, {}, {}
for other in device_rows(row.before) do
  if other.superseded and other.superseded > at then table.insert(moved, 1, other) end
end
for _, other in ipairs(moved) do
  other.superseded = at
  put_row(other)
  ids[#ids + 1] = other.issuer
  ids[#ids + 1] = other.serial
  events[#events + 1] = event_of(other, tonumber(ARGV[4]), ARGV[5], ARGV[6] ~= '' and ARGV[6] or nil, ARGV[7])
end
append(events)
return ids
`,
)
