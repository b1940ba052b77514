import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, type RedisServer, startRedis } from './redis-server.ts'

/** A cluster on the loopback: three masters, and as many replicas as are asked for, of the masters in turn. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  readonly ports: readonly number[]
  stop(): Promise<void>
}

const slots = 16_384
const masters = 3

export async function startCluster(replicas = 0): Promise<RedisCluster> {
  const nodes: RedisServer[] = []
  let firstBus = 0
  try {
    for (let index = 0; index < masters + replicas; index++) {
      const bus = await freePort()
      const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000']
      // A replica is sent the data at once, without waiting for others that may come.
      const replication = ['--repl-diskless-sync-delay', '0']
      const node = await startRedis(...settings, ...replication, '--cluster-config-file', 'nodes.conf')
      nodes.push(node)
      if (index === 0) firstBus = bus
      else await node.ask('CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]!.port), String(firstBus))
    }
    for (const [index, node] of nodes.slice(0, masters).entries()) {
      const from = Math.floor((slots * index) / masters)
      const to = Math.floor((slots * (index + 1)) / masters) - 1
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
    }
    await untilAll(nodes, async node => String(await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    await untilAll(nodes, async node =>
      String(await node.ask('CLUSTER', 'INFO')).includes(`cluster_known_nodes:${nodes.length}`),
    )
    for (const [index, node] of nodes.slice(masters).entries()) {
      const master = String(await nodes[index % masters]!.ask('CLUSTER', 'MYID'))
      await node.ask('CLUSTER', 'REPLICATE', master)
      await untilAll([node], async () =>
        String(await node.ask('INFO', 'replication')).includes('master_link_status:up'),
      )
    }
  } catch (error) {
    for (const node of nodes) await node.stop()
    throw error
  }
  return {
    nodes,
    ports: nodes.map(node => node.port),
    async stop() {
      for (const node of nodes) await node.stop()
    },
  }
}

async function untilAll(nodes: readonly RedisServer[], isSo: (node: RedisServer) => Promise<boolean>): Promise<void> {
  for (const node of nodes) {
    for (let tries = 0; !(await isSo(node)); tries++) {
      if (tries === 400) throw new Error('the cluster does not come up')
      await sleep(50)
    }
  }
}
