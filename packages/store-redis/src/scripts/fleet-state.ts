import { defineScript, type Script } from '../script.ts'

/**
 * How things stand with the data: of `m` the fields `id`, `note`, and `state`: `SEALED`, `RECEIVING`, or none while a fleet is at work. What changes something asks for it first: see `guarded`.
 *
 * Leases and places of consumers do not make a fleet: somebody has looked in, and that is all.
 */
const standing = `
local function is_empty()
  if call('HGET', base .. 'm', 'sequence') or call('HGET', base .. 'm', 'ordinal') then return false end
  for _, name in ipairs({ 'w', 'T', 'b', 'S', 'D' }) do
    if call('EXISTS', base .. name) == 1 then return false end
  end
  return true
end
`

/** `Store.state`. Answers id, state or '', note, and whether it is empty. */
export const state: Script = defineScript(
  [standing],
  `
local values = call('HMGET', base .. 'm', 'id', 'state', 'note')
return { values[1] or '', values[2] or '', values[3] or '', is_empty() and 1 or 0 }
`,
)

/** `Store.changeState`: `from, to`, `` for a fleet at work. Answers whether it is `to` now. */
export const changeState: Script = defineScript(
  [],
  `
local current = call('HGET', base .. 'm', 'state') or ''
if current == ARGV[2] then return 1 end
if current ~= ARGV[1] then return 0 end
if ARGV[2] == '' then call('HDEL', base .. 'm', 'state', 'note') else call('HSET', base .. 'm', 'state', ARGV[2]) end
return 1
`,
)

/** `may_import(id)`: whether the store is empty, or receives the fleet of that id. */
export const receiving: string = `${standing}
local function may_import(id)
  local values = call('HMGET', base .. 'm', 'id', 'state')
  if values[2] then return values[2] == 'RECEIVING' and values[1] == id end
  return is_empty()
end
`
