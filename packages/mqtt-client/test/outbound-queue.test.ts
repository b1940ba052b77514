import { EventEmitter } from 'node:events'
import type { MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import { createOutboundQueue } from '../src/outbound-queue.ts'
import { uncaught } from './support/uncaught.ts'

test('what a callback throws is seen, and what waits behind it is sent', async () => {
  const sent: string[] = []
  // Calls back at once, as MQTT.js does for QoS 0 on a socket that has room.
  const client = Object.assign(new EventEmitter(), {
    connected: true,
    publish(topic: string, _payload: string, _options: object, callback: () => void) {
      sent.push(topic)
      callback()
      return client
    },
    subscribe: () => client,
    unsubscribe: () => client,
  }) as unknown as MqttClient
  createOutboundQueue(client, { maxQueuedMessages: 10, maxQueuedBytes: 1000, maxInFlight: 5 })
  const thrown = uncaught()
  const mistake = new Error('a mistake in a callback')
  client.publish('a', '', { qos: 0 }, () => {
    throw mistake
  })
  client.publish('b', '', { qos: 0 })
  client.emit('connect', {} as never)
  expect(await thrown).toBe(mistake)
  client.publish('c', '', { qos: 0 })
  expect(sent).toEqual(['a', 'b', 'c'])
})
