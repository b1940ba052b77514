/**
 * As `bind`: any client id goes with any certificate, so a device can throw out another one and take over its session.
 * For brokers whose client ids cannot be changed. Named so that it can be found with grep.
 */
export const anyClientId: unique symbol = Symbol.for('@fleetcert/emqx-auth/anyClientId') as never

/**
 * As `identifyBy`: where a broker shows no certificate, the common name that it read is enough. Then it is the broker alone that says who connects: everybody whom one of its trusted CAs, or a pinned
 * certificate among them, gave the name of a device is that device, and a certificate that was revoked while the device has another good one still gets in. Pinned devices do not.
 * For brokers that hand on nothing else, such as EMQX before 5.7.1 or RabbitMQ. Named so that it can be found with grep.
 */
export const commonNameAlone: unique symbol = Symbol.for('@fleetcert/emqx-auth/commonNameAlone') as never
