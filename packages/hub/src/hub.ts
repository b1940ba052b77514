import type { Fleet } from '@fleetcert/core'
import type { BrokerAuth, Denial, EmqxBodyKeys, EmqxResponderOptions } from '@fleetcert/emqx-auth'
import type { DeviceOptions } from './device/device-options.ts'
import type { Drain } from './drain/drain.ts'

/** What a request does not say itself: facts of the connection that it came over. */
export interface HubContext {
  /**
   * The certificates that the peer sent in the TLS handshake, DER, its own first. The handshake proves that the peer holds the first one's key; nobody has checked the path.
   * Empty or absent without mutual TLS. Taken from a header only where a proxy of `trustProxy` has sent it (RFC 9440).
   */
  readonly peerCertificates?: readonly Uint8Array[]
  /** The other end's address, as the socket has it. */
  readonly remoteAddress?: string
  /** Whether the connection is TLS. Taken to be so behind a proxy of `trustProxy`. Without it the scheme of the request's URL counts. */
  readonly encrypted?: boolean
}

/** The one HTTP surface: Web-standard, for Hono, Next, Deno, Bun and tests. {@link toNodeHandler} makes a node:http handler of it. Never rejects. */
export type Hub = (request: Request, context?: HubContext) => Promise<Response>

/**
 * What a caller is about to do. `deviceId`, `owner` and `profile` are what the request names, in legal form: `owner` is that of the body for `enroll`, `createToken` and `scheduleRenewals`, and of the filter for `list`.
 * A part that is malformed is absent, and the request fails after the check. `read` without a `deviceId` is the look-up of a fingerprint, `scheduleRenewals` without an `owner` is about the devices of all owners.
 * `authenticate` and `authorize` are the broker's questions. Devices are not asked about: they are let in by a certificate or a token.
 */
export type HubAction =
  | {
      /** What an operator does. */
      readonly type: 'enroll' | 'createToken' | 'renew' | 'revoke' | 'read' | 'list' | 'scheduleRenewals'
      /** Absent for `list` and `scheduleRenewals`, and for the look-up of a fingerprint. */
      readonly deviceId?: string
      /** Of `enroll`, `createToken`, `list` and `scheduleRenewals`. */
      readonly owner?: string
      /** Of `createToken`. */
      readonly profile?: string
    }
  | {
      /** What a broker asks. */
      readonly type: 'authenticate' | 'authorize'
    }

/** The `type` of every {@link HubAction}. */
export type HubActionType = HubAction['type']

/** Decides whether a caller may do something. Only the literal `true` lets in; anything else, a throw and a rejection refuse. */
export type HubAuthorize = (request: Request, action: HubAction, context: HubContext) => boolean | Promise<boolean>

/**
 * A group of routes: `operator` what operators do with devices, `device` what devices do for themselves, EST among it, `broker` the hooks of the broker, `public` health, CA certificate, CRLs and OCSP.
 */
export type HubGroup = 'operator' | 'device' | 'broker' | 'public'

/** Options of {@link createHub}. */
export interface HubOptions {
  /** Opened and closed by the caller. */
  readonly fleet: Fleet
  /** Decides for the broker hooks. */
  readonly auth: BrokerAuth
  /** Asked before everything but health, OCSP, CA certificate, the CRL and CA files, and the routes of devices. See {@link HubAuthorize}. */
  readonly authorize: HubAuthorize
  /** Told to devices when they are enrolled. */
  readonly broker: {
    /** For instance `mqtts://broker.example:8883`. */
    readonly url: string
    /** The port of the TLS listener, 1 to 65535. */
    readonly mqttSecurePort: number
  }
  /** Of the broker hooks. Default `emqx5`. */
  readonly dialect?: EmqxResponderOptions['dialect']
  /** The keys of the broker hooks' bodies, where they are not those that `emqxConfig` writes. */
  readonly emqxBodyKeys?: EmqxBodyKeys
  /**
   * Proxies that end TLS for this hub: IP addresses, and networks such as `10.1.0.0/16`. From them alone a client's certificate is taken from the headers Client-Cert and Client-Cert-Chain (RFC 9440), and never from their
   * own TLS connection. Such a proxy must take both headers out of every request that it passes on, and set them only to what its own handshake has proved; it must pass the routes of devices on from TLS alone. Default: none.
   */
  readonly trustProxy?: readonly string[]
  /** How devices are served. */
  readonly device?: DeviceOptions
  /** Of `fleet`. Default: the system's. */
  readonly clock?: () => Date
  /** Which routes to serve; the others are 404. Default: all. */
  readonly serve?: readonly HubGroup[]
  /** Of `createDrain`: health says 503 as soon as this process is to leave its load balancer's pool. Default: it never does. */
  readonly drain?: Pick<Drain, 'isDraining'>
  /** Hears of what callers are not told: the cause of every 5xx answer, what `authorize` and the factory's callback throw, and a device id or profile from the callback that is none. Default `console.error`. */
  readonly onError?: (error: unknown, request: { readonly method: string; readonly path: string }) => void
  /** Hears why the broker was answered with a deny; `callerRefused` means that the broker itself did not show its secret. The answer never says. */
  readonly onDeny?: (denial: Denial) => void
}
