/** A broker with mutual TLS that can be stopped and started: aedes in this process, or a real mosquitto. */
export interface SimBroker {
  readonly port: number
  /** From now on nobody can connect, and every connection is cut. With aedes it may hang before, and hear and acknowledge nothing: what devices send meanwhile is in flight when the connection goes. */
  stop(hangSeconds?: number): Promise<void>
  /** On the same port. */
  start(files: BrokerFiles): Promise<void>
  /** When each session began, of `Date.now()`. */
  readonly sessions: readonly number[]
}

/** PEM. */
export interface BrokerFiles {
  readonly certificate: string
  readonly privateKey: string
  /** Whose client certificates the TLS layer lets through: issuing CAs and roots. */
  readonly clientCas: string
  readonly crl: string
}
