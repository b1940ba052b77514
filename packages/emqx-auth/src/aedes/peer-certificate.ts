import type { AedesClient } from './aedes-broker.ts'

/** The DER of the certificate whose key the client proved to hold in the TLS handshake; of a WebSocket's, too. */
export function peerCertificate(client: AedesClient): Uint8Array | undefined {
  return fromSocket(client.conn) ?? fromSocket(client.req?.socket)
}

// Whether the chain verified is not asked: the fleet knows the certificate itself, and a pinned one has no chain.
function fromSocket(socket: unknown): Uint8Array | undefined {
  const tls = socket as { getPeerCertificate?: unknown } | null | undefined
  if (typeof tls?.getPeerCertificate !== 'function') return undefined
  // An empty object without a certificate, null on a socket that is gone.
  const raw: unknown = tls.getPeerCertificate()?.raw
  return raw instanceof Uint8Array ? raw : undefined
}
