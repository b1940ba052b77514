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
 * `Store.certificate` by fingerprint, of several: the first 16 octets of each, one behind the other, which are the fields of `fingerprint_place`; the caller compares the rest. One argument, for each has its price. What
 * every connection of a device waits for: it takes nothing apart. Answers the octets of each row, or nothing. What has a fingerprint is no reservation: no lease belongs to it.
 */
export const certificatesByFingerprint: Script = defineScript(
  [],
  `
local answer = {}
for at = 1, #ARGV[1], 16 do
  local field = ARGV[1]:sub(at, at + 15)
  local high, low = field:byte(1, 2)
  local ordinal = call('HGET', base .. 'f:' .. floor((high * 256 + low) / 4), field)
  answer[#answer + 1] = ordinal and call('HGET', base .. 'r:' .. floor(number(ordinal) / 256), ordinal) or ''
end
return answer
`,
)
