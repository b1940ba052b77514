import { isIP } from 'node:net'
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import type { BrokerAddress } from './broker-address.ts'
import type { ConnectionAttempt } from './connection-attempt.ts'
import type { TlsCredential } from './read-credential.ts'

/**
 * Opens the socket of one attempt. Everything about TLS is said here: MQTT.js' own `connect` would overwrite `servername` and swallow errors.
 *
 * No session is kept for resumption: a resumed handshake shows no certificate, and a server that checks it only in full handshakes would let a revoked device in.
 */
export function openTlsStream(
  address: BrokerAddress,
  serverName: string,
  credential: TlsCredential,
  attempt: ConnectionAttempt,
): TLSSocket {
  const socket = connect({
    host: address.host,
    port: address.port,
    secureContext: credential.secureContext,
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED has no say.
    rejectUnauthorized: true,
    // RFC 6066 section 3: "Literal IPv4 and IPv6 addresses are not permitted in "HostName"." Node takes '' for no SNI.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
  })
  socket.once('connect', () => {
    attempt.stage = 'handshake'
  })
  socket.once('secureConnect', () => {
    attempt.stage = 'connack'
  })
  socket.on('error', error => {
    attempt.errors.add(error)
  })
  // Before Node's own listener, which destroys a socket that ends within the handshake.
  socket.prependOnceListener('end', () => {
    attempt.answered = Object.keys(socket.getPeerCertificate() ?? {}).length > 0
  })
  return socket
}
