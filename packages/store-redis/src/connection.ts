import type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisOptions,
  NodeRedisSentinel,
  RedisArgument,
  RedisClient,
} from './redis-client.ts'

/** One way to send a command, over whichever client. Replies hold octets where the server sent a string. */
export interface Connection {
  /** Whether one command follows the other over one connection, to one server. */
  readonly isSingle: boolean
  /** `key` says which node of a cluster is meant. */
  command(key: string, args: RedisArgument[]): Promise<unknown>
  /** Gives up a connection over which nothing is answered, for another one; what is under way on it is rejected. Nothing where there is none now, and where the client has several: a cluster's or a sentinel's. */
  renew(): void
}

// '$', the first octet of a string's type in RESP 2 and 3.
const octets: NodeRedisOptions = { typeMapping: { 36: Buffer } }

/** Tells a client by its shape. A `TypeError` for what is none. */
export function connectionOf(client: RedisClient): Connection {
  if (isIoredis(client)) {
    return {
      isSingle: client.isCluster !== true,
      command: (_, [name, ...args]) => client.callBuffer(String(name), ...args),
      renew() {
        if (client.isCluster !== true && client.status === 'ready') client.disconnect?.(true)
      },
    }
  }
  if (isCluster(client)) {
    return { isSingle: false, command: (key, args) => client.sendCommand(key, false, args, octets), renew() {} }
  }
  if (isSentinel(client)) {
    return { isSingle: false, command: (_, args) => client.sendCommand(false, args, octets), renew() {} }
  }
  if (isNodeRedis(client)) {
    return {
      isSingle: client.execute === undefined,
      command: (_, args) => client.sendCommand(args, octets),
      renew() {
        if (client.execute !== undefined || client.isReady !== true) return
        // Its owner has closed it, and it waits for its last answers: it must not come to life again.
        if (client.isOpen === false) return
        client.destroy?.()
        // It tries until it succeeds, or its owner ends it; what goes wrong meanwhile its `error` events say.
        client.connect?.().catch(() => {})
      },
    }
  }
  throw new TypeError('client must be a client of ioredis or of node-redis')
}

type Unknown<T> = { readonly [Key in keyof T]?: unknown }

function isIoredis(client: RedisClient): client is IoredisClient {
  return typeof (client as Unknown<IoredisClient> | undefined)?.callBuffer === 'function'
}

function isCluster(client: RedisClient): client is NodeRedisCluster {
  return isNodeRedis(client) && Array.isArray((client as Unknown<NodeRedisCluster>).masters)
}

function isSentinel(client: RedisClient): client is NodeRedisSentinel {
  return isNodeRedis(client) && typeof (client as Unknown<NodeRedisSentinel>).getMasterNode === 'function'
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return typeof (client as Unknown<NodeRedisClient> | undefined)?.sendCommand === 'function'
}
