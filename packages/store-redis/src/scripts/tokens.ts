import { devices } from '../lua/devices.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.addToken`. `hash, expiresAt, deviceId, what it grants (opaque), events…`. A token is `expiresAt, epoch, ordinal of what spent it, deviceId, what it grants`. */
export const addToken: Script = defineScript(
  [ordered, ledger, rows, devices],
  `
if call('HEXISTS', base .. 'T', ARGV[1]) == 1 then return 0 end
local expires = tonumber(ARGV[2])
call('HSET', base .. 'T', ARGV[1], pack('>dI4c6I2c0', expires, epoch_of(ARGV[3]), none, #ARGV[3], ARGV[3]) .. ARGV[4])
ordered_add(base .. 'u', moment(expires) .. ARGV[1])
append(given_events(5))
return 1
`,
)

/** `Store.token`. `hash`. Answers the token, and issuer and serial number of what spent it. */
export const token: Script = defineScript(
  [rows],
  `
local octets = call('HGET', base .. 'T', ARGV[1])
if not octets then return {} end
local _, _, spent_by = unpacked('>dI4c6', octets)
local row = spent_by ~= none and get_row(spent_by)
if row then return { octets, row.issuer, row.serial } end
return { octets }
`,
)
