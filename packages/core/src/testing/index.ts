export type { SkippableName, StoreFactory, StoreSubject } from './store/store-test.ts'
export type { TestRunner } from './test-runner.ts'
export { type SignerFactory, type SignerSubject, testSigner } from './test-signer.ts'
export { testStore } from './test-store.ts'
