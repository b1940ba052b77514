/**
 * Ordered sets of octet strings, some 20 octets for each member: sorted sets of at most 128 members, which Redis keeps as one packed list each, and a directory of them. One sorted set for all would take five times as much.
 *
 * The first part is `<name>`; every other one is `<name>/c<its first member>`, and `<name>/d` holds those first members in order. A part that has become empty is gone, and what would have been in it goes to the one before.
 */
export const ordered = `
local function ordered_part(name, member)
  local first = call('ZREVRANGEBYLEX', name .. '/d', '[' .. member, '-', 'LIMIT', 0, 1)[1]
  if first then return name .. '/c' .. first, first end
  return name
end

local function ordered_add(name, member)
  local part = ordered_part(name, member)
  if call('ZCARD', part) < 128 then
    call('ZADD', part, 0, member)
    return
  end
  if call('ZSCORE', part, member) then return end
  local upper
  if call('ZLEXCOUNT', part, '[' .. member, '+') == 0 then
    -- In the order in which they come, nearly always: what is full stays full.
    upper = { member }
  else
    upper = call('ZRANGE', part, 64, -1)
    call('ZREMRANGEBYRANK', part, 64, -1)
  end
  for _, each in ipairs(upper) do call('ZADD', name .. '/c' .. upper[1], 0, each) end
  call('ZADD', name .. '/d', 0, upper[1])
  if #upper > 1 then call('ZADD', (ordered_part(name, member)), 0, member) end
end

local function ordered_remove(name, member)
  local part, first = ordered_part(name, member)
  call('ZREM', part, member)
  if first and call('EXISTS', part) == 0 then call('ZREM', name .. '/d', first) end
end

-- At most so many members behind a place, '' being the beginning; those before 'bound' where there is one.
local function ordered_after(name, place, limit, bound)
  local found = {}
  local last = bound and '(' .. bound or '+'
  local part, first = name, nil
  if place ~= '' then part, first = ordered_part(name, place) end
  repeat
    local from = place == '' and '-' or '(' .. place
    for _, member in ipairs(call('ZRANGEBYLEX', part, from, last, 'LIMIT', 0, limit - #found)) do
      found[#found + 1] = member
    end
    if #found >= limit then break end
    first = call('ZRANGEBYLEX', name .. '/d', first and '(' .. first or '-', last, 'LIMIT', 0, 1)[1]
    if first then part = name .. '/c' .. first end
  until not first
  return found
end
`
