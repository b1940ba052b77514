import type { Enforcer } from '@fleetcert/core'

/** A broker of the demo: aedes in this process, or a real mosquitto. */
export interface DemoBroker {
  readonly name: 'aedes' | 'mosquitto'
  readonly port: number
  /** Closes sessions on revocation, where the broker can. */
  readonly enforcer?: Enforcer
  /** Why the broker refused last, in its own words, as soon as it has said so. */
  lastRefusal(): Promise<string>
  /** Has a broker that does not ask read the folder's `crl.pem` again. */
  crlChanged(): Promise<void>
  close(): Promise<void>
}
