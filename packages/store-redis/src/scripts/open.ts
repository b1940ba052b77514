import { defineScript, type Script } from '../script.ts'

/**
 * Finds out what is there, and writes nothing.
 *
 * Answers the schema's version or '', and how the server keeps its data, from INFO: that is allowed where CONFIG is not.
 */
export const open: Script = defineScript(
  [],
  `
local function line(section, name)
  return string.match('\\n' .. call('INFO', section), '[\\r\\n]' .. name .. ':([^\\r\\n]*)') or ''
end
local facts = {
  line('server', 'redis_version'), line('replication', 'role'), line('persistence', 'aof_enabled'), line('memory', 'maxmemory_policy')
}
local known = call('HGET', base .. 'm', 'schema')
return { known or '', facts[1], facts[2], facts[3], facts[4] }
`,
)
