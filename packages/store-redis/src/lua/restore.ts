/**
 * Records of another store are put in their places: what `reserve`, `commit`, `revoke` and the others have left behind, without what led there.
 *
 * Rows come in the layout of `rows.ts`, without the row of the device before them and without who renews them: both are found here.
 */
export const restore = `
-- Into the chain of its device, which is in the order of creation.
local function chain_row(row)
  local device = open_device(row.device)
  row.before = none
  if device.latest == none or number(device.latest) < number(row.ordinal) then
    row.before = device.latest
    device.latest = row.ordinal
    put_device(device)
    return
  end
  for other in device_rows(device.latest) do
    if other.before == none or number(other.before) < number(row.ordinal) then
      row.before = other.before
      other.before = row.ordinal
      put_row(other)
      return
    end
  end
end

-- Its place in its scope, whatever else is in that string.
local function restore_place(row, change, released, ended, entry)
  local key, slot = places_key(scope_of(row), row.place), (row.place - 1) % 128
  local octets = pack('>BBc6I6dBc0', slot, released, row.ordinal, change, ended, #entry, entry)
  local places, at = call('GET', key) or '', 1
  while at <= #places do
    local taken, _, _, _, _, _, after = unpacked('>BBc6I6dBc0', places, at)
    if taken == slot then
      call('SET', key, places:sub(1, at - 1) .. octets .. places:sub(after))
      return
    end
    if taken > slot then break end
    at = after
  end
  call('SET', key, places:sub(1, at - 1) .. octets .. places:sub(at))
end

local function restore_row(row, lease)
  local known = get_row(row.ordinal)
  if known then
    row.before, row.renewed_by = known.before, known.renewed_by
    if known.state == RESERVED then call('ZREM', base .. 'l', row.ordinal .. known.instance) end
    if known.state == ABANDONED then ordered_remove(base .. 'q', row.ordinal) end
    put_row(row)
  else
    if row.device then chain_row(row) else row.before = none end
    put_row(row)
    local key, field = id_place(row.issuer, row.serial)
    call('HSET', key, field, row.ordinal)
    index_row(row)
  end
  if row.state == RESERVED then call('ZADD', base .. 'l', lease, row.ordinal .. row.instance) end
  if row.state == ABANDONED and not is_final(row) then ordered_add(base .. 'q', row.ordinal) end
  if row.fingerprint then
    local key, field = fingerprint_place(row.fingerprint)
    call('HSET', key, field, row.ordinal)
    offer_newest(row)
  end
  local renewed = row.supersedes and get_row(row.supersedes)
  if renewed and (not renewed.renewed_by or number(renewed.renewed_by) < number(row.ordinal)) then
    renewed.renewed_by = row.ordinal
    put_row(renewed)
  end
end
`
