import { connectDevice } from '../../src/index.ts'
import { fixtures } from './fixtures.ts'
import { identityOf } from './identity-of.ts'

/** A second device that hears the topic `telemetry`. */
export async function watch(
  url: string,
  options: Omit<Parameters<typeof connectDevice>[1], 'identity'>,
  qos: 1 | 2,
): Promise<AsyncDisposable & { readonly got: string[]; publish(topic: string, payload: string): Promise<unknown> }> {
  const { ca } = fixtures
  const watcher = await connectDevice(url, { ...options, identity: identityOf('watcher', ca.issue('watcher'), ca) })
  const got: string[] = []
  watcher.client.on('message', (_, payload) => got.push(String(payload)))
  await watcher.client.subscribeAsync('telemetry', { qos })
  return {
    got,
    publish: (topic, payload) => watcher.client.publishAsync(topic, payload, { qos }),
    [Symbol.asyncDispose]: () => watcher.close(),
  }
}
