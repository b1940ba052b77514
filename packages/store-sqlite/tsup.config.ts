import { packageConfig } from '../../tsup.base.ts'

// The writer's thread is a file of its own beside the index; the exports map does not name it.
export default packageConfig({ entry: { index: './src/index.ts', 'writer-thread': './src/writer-thread.ts' } })
