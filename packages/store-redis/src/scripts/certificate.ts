import { rows } from '../lua/rows.ts'
import { defineScript, type Script } from '../script.ts'

/** `Store.certificate` by id, and without its octets `certificateStatus`: `issuer, serial, 'octets' or ''`. */
export const certificateById: Script = defineScript(
  [rows],
  `
local row, answer = find_row(ARGV[1], ARGV[2]), {}
if row and row ~= true then answer_row(answer, row, ARGV[3] == '') end
return answer
`,
)

/**
 * `Store.certificate` by fingerprint: `bucket, field, fingerprint`. What every connection of a device waits for: it takes nothing apart. `bucket` is the number of the small hash and `field` the first octets, as
 * `fingerprint_place` has them; the caller compares the fingerprint.
 */
export const certificateByFingerprint: Script = defineScript(
  [],
  `
local ordinal = call('HGET', base .. 'f:' .. ARGV[1], ARGV[2])
if not ordinal then return {} end
local octets = call('HGET', base .. 'r:' .. floor(number(ordinal) / 256), ordinal)
if not octets then return {} end
-- What has a fingerprint is no reservation: no lease belongs to it.
return { ordinal, octets, '' }
`,
)
