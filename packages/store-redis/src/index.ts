export type { Durability } from './durability.ts'
export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisOptions,
  NodeRedisSentinel,
  RedisArgument,
  RedisClient,
} from './redis-client.ts'
export { type RedisStoreOptions, redisStore } from './redis-store.ts'
