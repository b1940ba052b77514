import { defineScript, type Script } from '../script.ts'

/** Marks an empty place as ours. `version`. Answers the version that is there then: of several that begin at once, the first one's. */
export const mark: Script = defineScript(
  [],
  `
call('HSETNX', base .. 'm', 'schema', ARGV[1])
return call('HGET', base .. 'm', 'schema')
`,
)
