import { packageConfig } from '../../tsup.base.ts'

const index = './src/index.ts'

// The writer's thread is a file of its own beside the index; the exports map does not name it.
export default packageConfig({ entry: { index, 'writer-thread': './src/writer-thread.ts' }, dts: { entry: { index } } })
