/**
 * As `bind`: any client id goes with any certificate, so a device can throw out another one and take over its session.
 * For brokers whose client ids cannot be changed. Named so that it can be found with grep.
 */
export const anyClientId: unique symbol = Symbol.for('@fleetcert/emqx-auth/anyClientId') as never
