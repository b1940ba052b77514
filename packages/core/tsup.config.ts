import { packageConfig } from '../../tsup.base.ts'

const entry = {
  index: './src/index.ts',
  'backup/index': './src/backup/index.ts',
  'testing/index': './src/testing/index.ts',
  unsafe: './src/unsafe.ts',
}

// The thread that verifies is a file of its own beside the index; the exports map does not name it.
export default packageConfig({
  entry: { ...entry, 'verification-thread': './src/authority/verification/verification-thread.ts' },
  dts: { entry },
})
