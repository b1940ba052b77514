import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.register`. `body, der, fingerprint, events…`. */
export const register: Script = defineScript(
  [ordered, ledger, rows, devices, indexes],
  `
local row = read_body({ state = PINNED, body = ARGV[1], octets = ARGV[2], fingerprint = ARGV[3] })
local known = find_by_fingerprint(row.fingerprint) or find_row(row.issuer, row.serial)
if known then
  local same = known ~= true and known.state == PINNED and known.device == row.device and known.fingerprint == row.fingerprint
  return same and 'registered' or 'taken'
end
if is_key_blocked(row) then return 'keyBlocked' end
insert_row(row)
local key, field = fingerprint_place(row.fingerprint)
call('HSET', key, field, row.ordinal)
offer_newest(row)
append(given_events(4))
return 'registered'
`,
)
