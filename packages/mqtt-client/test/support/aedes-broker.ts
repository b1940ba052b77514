import { createServer, type SecureVersion } from 'node:tls'
import { Aedes } from 'aedes'
import type { TestCa, TestCredential } from './test-ca.ts'

export interface AedesOptions {
  readonly clientCa: TestCa
  readonly server: TestCredential
  readonly version?: SecureVersion
  readonly port?: number
  /** CONNACK's return code by client identifier; 0 lets in. */
  readonly returnCode?: (clientId: string) => number
  /** Accept any client certificate in TLS, as a broker does that decides by itself. Default: node:tls refuses those of other CAs. */
  readonly acceptAny?: boolean
}

export interface AedesBroker extends AsyncDisposable {
  readonly broker: Aedes
  readonly port: number
  readonly url: string
}

/** Starts aedes with mutual TLS on 127.0.0.1. */
export async function startAedes(options: AedesOptions): Promise<AedesBroker> {
  const { returnCode, version } = options
  const broker = await Aedes.createBroker(
    returnCode === undefined
      ? {}
      : {
          authenticate(client, _username, _password, done) {
            const code = returnCode(client.id)
            if (code === 0) return done(null, true)
            done(Object.assign(new Error('refused'), { returnCode: code }), false)
          },
        },
  )
  const server = createServer(
    {
      cert: options.server.certificate,
      key: options.server.privateKey,
      ca: options.clientCa.certificate,
      requestCert: true,
      rejectUnauthorized: options.acceptAny !== true,
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
    },
    broker.handle,
  )
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    broker,
    port,
    url: `mqtts://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>(resolve => broker.close(resolve))
      await new Promise(resolve => server.close(resolve))
    },
  }
}
