import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import type { BrokerAddress } from '../broker-address.ts'
import { tlsAlertOf } from '../tls-alert.ts'

/** What a server showed of itself. */
export interface TlsProbe {
  /** `TLSv1.3`; none without an agreement. */
  readonly version?: string
  /** The suite's name of RFC 8446 or OpenSSL. */
  readonly cipher?: string
  /** As sent: its own first. A trust anchor may stand behind, which Node adds. */
  readonly certificates: readonly X509Certificate[]
  /** Whether it asked for a client certificate (CertificateRequest). */
  readonly asksForCertificate: boolean
  /** Why the handshake did not come to its end: an alert's name or OpenSSL's words. */
  readonly failure?: { readonly alert?: string; readonly message: string; readonly code?: string }
}

export interface TlsProbeOptions {
  readonly serverName: string
  readonly anchors: readonly X509Certificate[]
  readonly timeoutSeconds: number
  /** Speak old versions and weak ciphers too, to learn what the server speaks. Default false. */
  readonly old?: boolean
  readonly signal?: AbortSignal
}

const mostCertificates = 10

/**
 * Looks at a server without trusting it. The handshake is made without a client certificate, nothing is ever sent over the connection, and it ends when the server has shown what it has. Nobody but {@link diagnose} uses it.
 *
 * It does not reject: what goes wrong is the answer.
 */
export function probeTls(address: BrokerAddress, options: TlsProbeOptions): Promise<TlsProbe> {
  return new Promise(resolve => {
    const socket = connect({
      host: address.host,
      port: address.port,
      servername: isIP(options.serverName) === 0 ? options.serverName : '',
      // Here a server's certificate is looked at that may not be the right one. It decides nothing, and nothing is sent.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ca: options.anchors.map(anchor => anchor.toString()),
      minVersion: options.old === true ? 'TLSv1' : 'TLSv1.2',
      ...(options.old === true ? { ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' } : {}),
    })
    const done = (failure?: TlsProbe['failure']): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      const seen = look(socket)
      socket.destroy()
      resolve({ ...seen, ...(failure === undefined ? {} : { failure }) })
    }
    const onAbort = (): void => done({ message: 'aborted' })
    const timer = setTimeout(
      () => done({ message: 'no answer to TLS in time', code: 'ETIMEDOUT' }),
      options.timeoutSeconds * 1000,
    )
    options.signal?.addEventListener('abort', onAbort)
    socket.once('secureConnect', () => done())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const alert = tlsAlertOf(error)
      done({
        message: error.message,
        ...(alert === undefined ? {} : { alert }),
        ...(error.code === undefined ? {} : { code: error.code }),
      })
    })
    socket.prependOnceListener('end', () => done({ message: 'the server closed the connection', code: 'ECONNRESET' }))
  })
}

function look(socket: TLSSocket): TlsProbe {
  const certificates = peerCertificates(socket)
  const version = certificates.length > 0 ? socket.getProtocol() : null
  return {
    certificates,
    // Filled when CertificateRequest comes (RFC 8446 section 4.3.2, RFC 5246 section 7.4.4).
    asksForCertificate: certificates.length > 0 && socket.getSharedSigalgs().length > 0,
    ...(version === null ? {} : { version, cipher: socket.getCipher().standardName ?? socket.getCipher().name }),
  }
}

function peerCertificates(socket: TLSSocket): X509Certificate[] {
  const found: X509Certificate[] = []
  try {
    let current: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
    while (current?.raw !== undefined && found.length < mostCertificates) {
      found.push(new X509Certificate(current.raw))
      // A root is its own issuer.
      current = current.issuerCertificate === current ? undefined : current.issuerCertificate
    }
  } catch {
    // What OpenSSL could read in the handshake and cannot now: what was read until then is what there is.
  }
  return found
}
