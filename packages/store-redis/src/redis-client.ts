/** What the store sends: text, or octets as they are. */
export type RedisArgument = string | Buffer

/** How a node-redis client is asked for octets: without it a DER reply would be decoded as text, and be lost. */
export interface NodeRedisOptions {
  /** By the first octet of the reply's type in RESP: what it is turned into. */
  readonly typeMapping?: { readonly 36?: BufferConstructor }
}

/** A client of [ioredis](https://github.com/redis/ioredis): `new Redis(…)` or `new Cluster(…)`. */
export interface IoredisClient {
  /** Whether it talks to several servers. */
  readonly isCluster?: boolean
  /** Sends a command and resolves its reply, strings as octets. */
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>
  /** `ready`: it has a connection. */
  readonly status?: string
  /** With `true`: gives its connection up and makes another one. Asked for when nothing is answered over it. */
  disconnect?(reconnect?: boolean): void
}

/** A client of [node-redis](https://github.com/redis/node-redis): `createClient(…)` or `createClientPool(…)`. */
export interface NodeRedisClient {
  /** A pool has it, whose commands go over several connections. */
  readonly execute?: unknown
  /** Sends a command and resolves its reply. */
  sendCommand(args: RedisArgument[], options?: NodeRedisOptions): Promise<unknown>
  /** Whether it has a connection. */
  readonly isReady?: boolean
  /** `false` once its owner has begun to close it; it may have its connection for a while yet. */
  readonly isOpen?: boolean
  /** Gives its connection up. Asked for, with `connect` behind it, when nothing is answered over it. */
  destroy?(): void
  /** Makes a connection. */
  connect?(): Promise<unknown>
}

/** A cluster client of node-redis: `createCluster(…)`. */
export interface NodeRedisCluster {
  /** Sends a command to the node that has the key and resolves its reply. */
  sendCommand(
    firstKey: RedisArgument | undefined,
    isReadonly: boolean | undefined,
    args: RedisArgument[],
    options?: NodeRedisOptions,
  ): Promise<unknown>
  /** The nodes that take writes; what a cluster client is told by. */
  readonly masters: readonly unknown[]
}

/** A sentinel client of node-redis: `createSentinel(…)`. */
export interface NodeRedisSentinel {
  /** Sends a command to the master and resolves its reply. */
  sendCommand(isReadonly: boolean | undefined, args: RedisArgument[], options?: NodeRedisOptions): Promise<unknown>
  /** The master as the sentinels see it; what a sentinel client is told by. */
  getMasterNode(): unknown
}

/** A client of yours, connected, which stays open when the store is closed. Which one it is, is told by its shape. */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster | NodeRedisSentinel
