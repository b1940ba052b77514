import { defineScript, type Script } from '../script.ts'

/** `Store.lease`. `name, holder, milliseconds, clock`. Answers the fence and until when; or nothing. */
export const lease: Script = defineScript(
  [],
  `
local now = clock(ARGV[4])
local octets = call('HGET', base .. 't', ARGV[1])
local fence, ends, held, holder = 0, 0, 0, nil
if octets then
  local at
  fence, ends, held, at = unpacked('>I6dB', octets)
  if held == 1 then holder = octets:sub(at) end
end
local own = holder == ARGV[2]
if holder and not own and ends > now then return {} end
if not own then fence = fence + 1 end
ends = now + tonumber(ARGV[3])
call('HSET', base .. 't', ARGV[1], pack('>I6dB', fence, ends, 1) .. ARGV[2])
return { text(fence), text(ends) }
`,
)

/** `Store.releaseLease`. `name, fence`. */
export const releaseLease: Script = defineScript(
  [],
  `
local octets = call('HGET', base .. 't', ARGV[1])
if not octets then return 0 end
local fence, ends = unpacked('>I6d', octets)
if fence ~= tonumber(ARGV[2]) then return 0 end
call('HSET', base .. 't', ARGV[1], pack('>I6dB', fence, ends, 0))
return 1
`,
)
