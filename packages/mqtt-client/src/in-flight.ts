import { setTimeout as sleep } from 'node:timers/promises'
import { PkiError } from '@fleetcert/x509'
import type { MqttClient } from 'mqtt'

/** Waits until nothing is unacknowledged and `isEmpty` says so too, the session is over, or the time is up. @internal */
export async function drained(client: MqttClient, seconds: number, isEmpty = (): boolean => true): Promise<void> {
  const end = performance.now() + seconds * 1000
  const isBusy = (): boolean => Object.keys(client.outgoing).length > 0 || !isEmpty()
  while (client.connected && !client.disconnecting && performance.now() < end && isBusy()) await sleep(10)
}

/** Fails what was not acknowledged: MQTT.js leaves these callbacks, and whoever awaits them, waiting for ever. @internal */
export function failOutstanding(client: MqttClient): void {
  const closed = new PkiError('ERR_PKI_CLOSED', {})
  for (const id of Object.keys(client.outgoing).map(Number)) {
    const waiting = client.outgoing[id]
    delete client.outgoing[id]
    waiting?.cb(closed)
  }
  for (const waiting of client.queue.splice(0)) waiting.cb?.(closed)
  // What was asked for while the backlog was being sent again.
  const later = client['_storeProcessingQueue'] as unknown as { readonly callback?: (error: Error) => void }[]
  for (const waiting of later.splice(0)) waiting.callback?.(closed)
}
