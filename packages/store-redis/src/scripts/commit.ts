import { devices } from '../lua/devices.ts'
import { indexes } from '../lua/indexes.ts'
import { ledger } from '../lua/ledger.ts'
import { ordered } from '../lua/ordered.ts'
import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.commit`. `issuer, serial, der, fingerprint, events…`. */
export const commit: Script = defineScript(
  [ordered, ledger, rows, devices, indexes],
  `
local row = find_row(ARGV[1], ARGV[2])
if not row or row == true then return 'lost' end
if row.state >= ISSUED then return row.state == ISSUED and row.octets == ARGV[3] and 'committed' or 'lost' end
if row.reason then return 'revoked' end
-- What 'reserve' checked may have changed while the signature was made.
if row.state ~= RESERVED or row.epoch ~= epoch_of(row.device) or is_key_blocked(row) then return 'lost' end
local superseded
if row.supersedes then
  superseded = get_row(row.supersedes)
  if not superseded or superseded.reason or is_replaced(superseded, row.created_at) then return 'lost' end
end
-- The last that may be in the way, and the first that is written.
local key, field = fingerprint_place(ARGV[4])
if call('HSETNX', key, field, row.ordinal) == 0 then return 'lost' end

local at = row.supersede_at
end_reservation(row)
row.state, row.fingerprint, row.octets = ISSUED, ARGV[4], ARGV[3]
put_row(row)
offer_newest(row)
if superseded then
  -- An end never moves back.
  if not superseded.superseded or at < superseded.superseded then superseded.superseded = at end
  superseded.superseded_by = row.ordinal
  superseded.renewed_by = nil
  put_row(superseded)
end
append(given_events(5))
return 'committed'
`,
)
