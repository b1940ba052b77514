import { type AedesBroker, startAedes } from './aedes-broker.ts'
import { fixtures } from './fixtures.ts'
import { startMosquitto } from './mosquitto.ts'

const { ca: clientCa, server } = fixtures

/** A broker by its name. */
export const brokers = {
  aedes: (): Promise<AedesBroker> => startAedes({ clientCa, server }),
  mosquitto: (): ReturnType<typeof startMosquitto> => startMosquitto({ clientCa, server }),
}

/** Name, version of MQTT and QoS: aedes speaks MQTT 3.1.1 alone. */
export const everyBroker = [
  ['aedes', 4, 1],
  ['aedes', 4, 2],
  ['mosquitto', 4, 1],
  ['mosquitto', 4, 2],
  ['mosquitto', 5, 1],
  ['mosquitto', 5, 2],
] as const
