/** Leases: a hash by name. A fence is never used twice, so what is known of one that was given back stays. */
export const leases = `
-- Nobody has held it since, and it was not given back. One that ran out is still good while nobody else took it: no other holder can have acted. No fence: no lease is asked for.
local function is_current_lease(name, fence)
  if fence == '' then return true end
  local octets = call('HGET', base .. 't', name)
  if not octets then return false end
  local known, _, held = unpacked('>I6dB', octets)
  return held == 1 and known == tonumber(fence)
end
`
