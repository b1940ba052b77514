import type { RedisClient } from '@fleetcert/store-redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'

export interface TestClient {
  readonly client: RedisClient
  close(): Promise<void>
}

export async function nodeRedis(url: string): Promise<TestClient> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  return {
    client,
    async close() {
      client.destroy()
    },
  }
}

export async function ioredis(url: string): Promise<TestClient> {
  const client = new Redis(url)
  client.on('error', () => {})
  return {
    client,
    async close() {
      client.disconnect()
    },
  }
}

export async function nodeRedisCluster(ports: readonly number[]): Promise<TestClient> {
  const client = createCluster({ rootNodes: ports.map(port => ({ url: `redis://127.0.0.1:${port}` })) })
  client.on('error', () => {})
  await client.connect()
  return {
    client,
    async close() {
      client.destroy()
    },
  }
}

export async function ioredisCluster(ports: readonly number[]): Promise<TestClient> {
  const client = new Cluster(ports.map(port => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return {
    client,
    async close() {
      client.disconnect()
    },
  }
}

export async function nodeRedisPool(url: string): Promise<TestClient> {
  const client = createClientPool({ url }, { minimum: 2, maximum: 4 })
  client.on('error', () => {})
  await client.connect()
  return {
    client,
    async close() {
      client.destroy()
    },
  }
}

export async function nodeRedisSentinel(name: string, sentinel: { host: string; port: number }): Promise<TestClient> {
  const client = createSentinel({ name, sentinelRootNodes: [sentinel], scanInterval: 500 })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}

export async function ioredisSentinel(name: string, sentinel: { host: string; port: number }): Promise<TestClient> {
  const client = new Redis({ name, sentinels: [sentinel], sentinelRetryStrategy: () => 100 })
  client.on('error', () => {})
  return {
    client,
    async close() {
      client.disconnect()
    },
  }
}
