import type { MqttClient, Packet } from 'mqtt'

/**
 * Takes no packet whose identifier is 0 or cut off: MQTT 3.1.1 section 2.3.1, "MUST contain a non-zero 16-bit Packet Identifier" [MQTT-2.3.1-1]. MQTT.js would answer it, and throw over the answer, which nobody can catch. @internal
 */
export function checkPacketIdentifiers(client: MqttClient): void {
  // Told before it is dealt with.
  client.on('packetreceive', packet => {
    if (packet.messageId === undefined || packet.messageId > 0) return
    const { cmd } = packet
    // MQTT.js passes over what it does not know.
    ;(packet as { cmd: Packet['cmd'] | 'malformed' }).cmd = 'malformed'
    client.emit('error', new Error(`a packet (${cmd}) without an identifier`))
  })
}
