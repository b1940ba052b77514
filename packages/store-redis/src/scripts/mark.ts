import { defineScript, type Script } from '../script.ts'

/** Marks an empty place as ours. `version, id`. Answers the version that is there then: of several that begin at once, the first one's. */
export const mark: Script = defineScript(
  [],
  `
call('HSETNX', base .. 'm', 'schema', ARGV[1])
call('HSETNX', base .. 'm', 'id', ARGV[2])
return call('HGET', base .. 'm', 'schema')
`,
)
