/**
 * Certificates and reservations: one value each, `r:<ordinal / 256>` by ordinal. The same layout is in `certificate-row.ts`.
 *
 * A row is a head that scripts change (state, flags, epoch, the device's row before it, then what the flags say), the body that its maker wrote (what a certificate is for), and the octets: the TBSCertificate of a
 * reservation, the certificate of what is issued or pinned.
 *
 * Indexes: `i:` by issuer and serial number, `f:` by fingerprint, each in 16,384 small hashes that Redis keeps as packed lists. Their fields are the first octets of what they stand for, so a row that was found that way is
 * compared with what was looked for.
 */
export const rows = `
-- A row has one table, however often it is asked for in a script: no write overwrites another one's.
local known_rows = {}

local function row_key(ordinal) return base .. 'r:' .. floor(number(ordinal) / 256) end

-- What a certificate is for. Taken apart for those alone that need it.
local function read_body(row)
  local flags, at
  row.not_before, row.not_after, row.created_at, row.shard, row.key_hash, flags, row.issuer, row.serial, row.role, row.profile, at =
    unpacked('>dddI4c32BBc0Bc0Bc0I2c0', row.body)
  if flags % 2 >= 1 then row.device, at = unpacked('>I2c0', row.body, at) end
  if flags % 4 >= 2 then row.owner, at = unpacked('>I2c0', row.body, at) end
  row.attributes = {}
  if flags % 8 >= 4 then
    local count
    count, at = unpacked('>I2', row.body, at)
    for _ = 1, count do
      local name, value
      name, value, at = unpacked('>I4c0I4c0', row.body, at)
      row.attributes[#row.attributes + 1] = { name, value }
    end
  end
  return row
end

local function read_row(ordinal, octets)
  local row, at = { ordinal = ordinal }, nil
  local flags
  row.state, flags, row.epoch, row.before, at = unpacked('>BBI4c6', octets)
  if flags % 2 >= 1 then row.fingerprint, at = unpacked('>c32', octets, at) end
  if flags % 4 >= 2 then row.reason, row.date, at = unpacked('>Bc0d', octets, at) end
  if flags % 8 >= 4 then row.invalidity, at = unpacked('>d', octets, at) end
  if flags % 16 >= 8 then row.superseded, at = unpacked('>d', octets, at) end
  if flags % 32 >= 16 then row.superseded_by, at = unpacked('>c6', octets, at) end
  if flags % 64 >= 32 then row.renewed_by, at = unpacked('>c6', octets, at) end
  if flags % 128 >= 64 then row.supersedes, row.supersede_at, at = unpacked('>c6d', octets, at) end
  if flags >= 128 then row.place, at = unpacked('>I6', octets, at) end
  if row.state == RESERVED then row.instance, at = unpacked('>Bc0', octets, at) end
  local length
  length, at = unpacked('>I4', octets, at)
  row.body = octets:sub(at, at + length - 1)
  row.octets = octets:sub(at + length)
  return read_body(row)
end

local function get_row(ordinal)
  local row = known_rows[ordinal]
  if row == nil then
    local octets = call('HGET', row_key(ordinal), ordinal)
    row = octets and read_row(ordinal, octets) or false
    known_rows[ordinal] = row
  end
  return row or nil
end

-- All of a row but its octets.
local function row_without_octets(row)
  local flags, parts = 0, {}
  local function add(flag, format, ...)
    flags = flags + flag
    parts[#parts + 1] = pack(format, ...)
  end
  if row.fingerprint then add(1, '>c32', row.fingerprint) end
  if row.reason then add(2, '>Bc0d', #row.reason, row.reason, row.date) end
  if row.reason and row.invalidity then add(4, '>d', row.invalidity) end
  if row.superseded then add(8, '>d', row.superseded) end
  if row.superseded_by then add(16, '>c6', row.superseded_by) end
  if row.renewed_by then add(32, '>c6', row.renewed_by) end
  if row.supersedes then add(64, '>c6d', row.supersedes, row.supersede_at) end
  if row.place then add(128, '>I6', row.place) end
  if row.state == RESERVED then add(0, '>Bc0', #row.instance, row.instance) end
  return pack('>BBI4c6', row.state, flags, row.epoch, row.before) .. table.concat(parts) .. pack('>I4', #row.body) .. row.body
end

local function put_row(row)
  known_rows[row.ordinal] = row
  call('HSET', row_key(row.ordinal), row.ordinal, row_without_octets(row) .. row.octets)
end

local function bucket(kind, high, low)
  return base .. kind .. floor((high * 256 + low) / 4)
end

-- A short issuer's length keeps it apart from the serial number.
local function id_place(issuer, serial)
  local a, b = issuer:byte(1, 2)
  local c, d = (string.char(0) .. serial):byte(-2, -1)
  return bucket('i:', bit.bxor(a, c), bit.bxor(b or 0, d)), string.char(#issuer) .. issuer:sub(1, 8) .. serial
end

local function fingerprint_place(fingerprint)
  local a, b = fingerprint:byte(1, 2)
  return bucket('f:', a, b), fingerprint:sub(1, 16)
end

-- The row of that id; true where another one stands in its place, of an issuer whose key id begins in the same way.
local function find_row(issuer, serial)
  local ordinal = call('HGET', id_place(issuer, serial))
  if not ordinal then return nil end
  local row = get_row(ordinal)
  if not row then return nil end
  return row.issuer == issuer and row.serial == serial and row or true
end

local function find_by_fingerprint(fingerprint)
  local ordinal = call('HGET', fingerprint_place(fingerprint))
  return ordinal and get_row(ordinal) or nil
end

local function is_final(row) return row.reason ~= nil and row.reason ~= 'certificateHold' end

-- A row as it is answered: ordinal, octets, and the lease of its holder.
local function answer_row(list, row, without_octets)
  list[#list + 1] = row.ordinal
  list[#list + 1] = without_octets and row_without_octets(row) or row_without_octets(row) .. row.octets
  list[#list + 1] = row.state == RESERVED and call('ZSCORE', base .. 'l', row.ordinal .. row.instance) or ''
end
`
