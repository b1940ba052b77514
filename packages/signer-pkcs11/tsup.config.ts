import { packageConfig } from '../../tsup.base.ts'

const index = './src/index.ts'

// The thread of a session is a file of its own beside the index; the exports map does not name it.
export default packageConfig({
  entry: { index, 'session-thread': './src/thread/session-thread.ts' },
  dts: { entry: { index } },
})
