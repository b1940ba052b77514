import type { MqttClient } from 'mqtt'

/**
 * Sets DUP on what is sent again: MQTT.js sends the packets that it keeps as they were. MQTT 3.1.1 section 3.3.1.1: "The DUP flag MUST be set to 1 by the Client or Server when it attempts to re-deliver a PUBLISH Packet"
 * [MQTT-3.3.1-1]. @internal
 */
export function markRepetitions(client: MqttClient): void {
  const sent = new Set<number>()
  // Told before it is written.
  client.on('packetsend', packet => {
    if (packet.cmd !== 'publish' || packet.messageId === undefined || packet.qos === 0) return
    if (sent.has(packet.messageId)) packet.dup = true
    sent.add(packet.messageId)
  })
  client.on('packetreceive', packet => {
    // From then on its identifier may be another message's; after PUBREC it is PUBREL that is sent again.
    if (packet.cmd === 'puback' || packet.cmd === 'pubrec' || packet.cmd === 'pubcomp') sent.delete(packet.messageId!)
  })
}
