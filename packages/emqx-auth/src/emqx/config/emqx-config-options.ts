import type { EmqxBodyKeys } from '../emqx-body.ts'
import type { SecretHeader } from './config-values.ts'
import type { EmqxVersion } from './emqx-version.ts'

/** What `emqxConfig` is told for every version. Files are paths on the broker's machine, all PEM. */
export interface EmqxCommonOptions {
  /** Where the authenticator posts to. `https`, or `http` within a private network. */
  readonly authUrl: string
  /** Where the authorizer posts to. */
  readonly authorizeUrl: string
  /** Sent with every request, for `authorizeCaller`. */
  readonly secretHeader?: SecretHeader
  /** The CAs that vouch for the hub's own https certificate. Needed for `https`: EMQX trusts no system CA, and by default does not verify at all. */
  readonly serverCaFile?: string
  /** The TLS listener. */
  readonly listener: {
    /** Default `0.0.0.0:8883`. */
    readonly bind?: string
    /** The CAs of the devices, issuing CA and root. */
    readonly caFile: string
    /** The broker's certificate and after it its issuing CA. */
    readonly certFile: string
    /** The key of the broker's certificate. */
    readonly keyFile: string
    /** Default both. */
    readonly tlsVersions?: readonly ('tlsv1.3' | 'tlsv1.2')[]
  }
  /** Other names for some keys of the bodies; the handler must be told the same. */
  readonly bodyKeys?: EmqxBodyKeys
  /** HTTP connections per node and hook. Default 8, as EMQX has it. */
  readonly poolSize?: number
  /** Requests under way on one of them. Default 100, as EMQX has it. */
  readonly pipelining?: number
}

/** Options of `emqxConfig` for EMQX 5 and 6. */
export interface EmqxConfigOptions extends EmqxCommonOptions {
  /** 5.0.9 or later. Name the release where you can: of a line, what came after its first release is not used. */
  readonly version: Exclude<EmqxVersion, `4.${string}`>
  /** The TLS listener. */
  readonly listener: EmqxCommonOptions['listener'] & {
    /** Expects PROXY protocol v2 from a load balancer that passes TLS through. Only for 6.0.3, 6.1.2, 6.2.1 or later: before, the certificate is lost on that way. */
    readonly proxyProtocol?: boolean
  }
  /** Also check CRLs at the handshake, and what `publish.crl` of `openFleet` was when the certificates were issued. `der` is refused before 6.0.3, 6.1.2, 6.2.1, which refresh CRLs from PEM alone. */
  readonly crlCheck?: false | 'der' | 'pemFirst'
  /** For `crlCheck`: how long a CRL may be old, how many URLs (shards) are kept, and what a fetch inside a handshake may take. */
  readonly crlCache?: {
    /** Default 900. */
    readonly refreshSeconds?: number
    /** Default 100. Below the number of shards they push each other out. */
    readonly capacity?: number
    /** Default 5: EMQX's 15 are as long as a whole handshake may take. */
    readonly fetchSeconds?: number
  }
}
