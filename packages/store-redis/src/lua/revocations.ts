/**
 * Revocations, and the entries that CRLs are made of.
 *
 * `S` holds all scopes. `s:<scope>` is a hash: `n` the CRL number given out last, `c` how many changes there were, `o` the place given out last, `f` and `d` the heads of the full and the delta CRL. A certificate that is revoked gets the next
 * place of its scope, and keeps it. 128 places are one string, `x:<scope><number>`: for each that is taken `slot, released, ordinal, change, ended, entry`, the entry as it stands in a CRL
 * (RFC 5280 section 5.1.2.6). So a list of millions is read without a look at their rows. The same layout is in `crl-places.ts`.
 *
 * The dates and extensions of an entry come encoded from the caller; put around a serial number they are an entry. Every length is below 128.
 */
export const revocations = `
local removed_from_crl = '\\48\\12\\48\\10\\6\\3\\85\\29\\21\\4\\3\\10\\1\\8'

local function scope_of(row) return pack('>Bc0I4', #row.issuer, row.issuer, row.shard) end

local function tlv(tag, content) return string.char(tag, #content) .. content end

local function crl_entry(serial, date, extensions)
  local magnitude = serial:gsub('^%z+', '')
  if magnitude == '' or magnitude:byte(1) >= 128 then magnitude = '\\0' .. magnitude end
  return tlv(48, tlv(2, magnitude) .. date .. extensions)
end

-- The date of an entry, encoded as it is.
local function date_in(entry)
  local at = 5 + entry:byte(4)
  return entry:sub(at, at + 1 + entry:byte(at + 1))
end

local function places_key(scope, place) return base .. 'x:' .. scope .. pack('>I6', floor((place - 1) / 128)) end

-- Where in its string the place is: first octet, last octet, and its entry.
local function find_place(places, slot)
  local at = 1
  while at <= #places do
    local taken, _, _, _, _, entry, after = unpacked('>BBc6I6dBc0', places, at)
    if taken == slot then return at, after - 1, entry end
    at = after
  end
end

local function write_place(row, date, extensions, released)
  local scope = scope_of(row)
  local change = call('HINCRBY', base .. 's:' .. scope, 'c', 1)
  if change == 1 then call('SADD', base .. 'S', scope) end
  local is_new = not row.place
  if is_new then row.place = call('HINCRBY', base .. 's:' .. scope, 'o', 1) end
  local key, slot = places_key(scope, row.place), (row.place - 1) % 128
  local places, first, last, entry
  if not is_new then
    places = call('GET', key)
    first, last, entry = find_place(places, slot)
  end
  local new_entry = crl_entry(row.serial, date or date_in(entry), extensions)
  local ended = row.not_after
  if row.date and row.date > ended then ended = row.date end
  local octets = pack('>BBc6I6dBc0', slot, released and 1 or 0, row.ordinal, change, ended, #new_entry, new_entry)
  if is_new then
    call('APPEND', key, octets)
    -- Appending leaves room for more, and there will be no more.
    if slot == 127 then call('SET', key, call('GET', key)) end
  else
    call('SET', key, places:sub(1, first - 1) .. octets .. places:sub(last + 1))
  end
end

local function forget_place(row)
  if not row.place then return end
  local key = places_key(scope_of(row), row.place)
  local places = call('GET', key)
  local first, last = find_place(places, (row.place - 1) % 128)
  local left = places:sub(1, first - 1) .. places:sub(last + 1)
  if left == '' then call('DEL', key) else call('SET', key, left) end
end

local function outweighs(next, current)
  if current == 'certificateHold' then return next ~= 'certificateHold' end
  return next == 'keyCompromise' and current ~= 'keyCompromise'
end

-- A revocation as it was given: reason, date, invalidity date or '', the date and the extensions as they are encoded in an entry.
local function given_revocation(from)
  return {
    reason = ARGV[from],
    date = tonumber(ARGV[from + 1]),
    invalidity = ARGV[from + 2] ~= '' and tonumber(ARGV[from + 2]) or nil,
    encoded_date = ARGV[from + 3],
    extensions = ARGV[from + 4]
  }
end

-- First wins, but a hold gives way to a final revocation, and any reason to keyCompromise, whose date stays the first one's. Whether this call revoked.
local function revoke_row(row, revocation)
  if row.reason and not outweighs(revocation.reason, row.reason) then return false end
  local keeps_date = is_final(row)
  row.reason, row.invalidity = revocation.reason, revocation.invalidity
  if not keeps_date then row.date = revocation.date end
  write_place(row, not keeps_date and revocation.encoded_date or nil, revocation.extensions, false)
  if row.reason == 'keyCompromise' then call('SADD', base .. 'b', row.key_hash) end
  if is_final(row) and row.state == ABANDONED then ordered_remove(base .. 'q', row.ordinal) end
  put_row(row)
  return true
end
`
