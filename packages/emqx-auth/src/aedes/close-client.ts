import type { AedesClient, AedesConnection } from './aedes-broker.ts'

/** Closes a connection and resolves once its socket is closed. */
export function closeClient(client: AedesClient): Promise<void> {
  return new Promise(resolve => {
    const { conn } = client
    if (isClosed(conn)) return resolve()
    conn.once('close', resolve)
    // close() gives up the subscriptions and decides about the will; what it waits for on the way must not keep the socket open.
    client.close()
    conn.destroy()
  })
}

/** Whether a stream's `close` event is over. Old streams do not tell; there `destroyed` must do. */
export function isClosed(conn: AedesConnection): boolean {
  return conn.closed ?? conn.destroyed
}
