export type { Durability } from './open-server.ts'
export type { PostgresPool, PostgresQuery } from './postgres-pool.ts'
export { type PostgresStoreOptions, postgresStore } from './postgres-store.ts'
