import { type HubAddress, parseHubUrl } from '../hub/hub-address.ts'

/** What both ways of renewal have. */
interface AnyRenewalOptions {
  /** How often the hub is asked when to renew, unless it says so itself. From 1 to 86,400. Default 21,600 (six hours). */
  readonly pollSeconds?: number
}

/** Renewal over HTTPS with mutual TLS. It works with an expired certificate too, as long as the hub allows. */
export interface HubRenewalOptions extends AnyRenewalOptions {
  /** `https://host[:port][/path]`. Its certificate must lead to the identity's trust anchors. */
  readonly hub: string
}

/** Renewal over the device's own connection to its broker. */
export interface MqttRenewalOptions extends AnyRenewalOptions {
  readonly over: 'mqtt'
  /** The device's own topics: `users/<owner>/devices/<id>` or `devices/<id>`. */
  readonly topicPrefix: string
  /**
   * Whether CAs that are announced over MQTT are believed. Whoever rules the broker could announce one of his own, and would be believed for good. Default false: a new root must come another way.
   */
  readonly takeTrustAnchors?: boolean
}

/** How a certificate is renewed: over HTTPS or over MQTT. */
export type RenewalOptions = HubRenewalOptions | MqttRenewalOptions

/** The options, checked. @internal */
export interface RenewalSettings {
  readonly way: { readonly address: HubAddress } | { readonly topicPrefix: string }
  readonly takeTrustAnchors: boolean
  readonly pollSeconds: number
}

/**
 * Checks the options and fills in defaults.
 *
 * @throws TypeError, RangeError
 */
export function readRenewalOptions(options: RenewalOptions): RenewalSettings {
  const { pollSeconds = 21_600 } = options
  if (typeof pollSeconds !== 'number' || !(pollSeconds >= 1 && pollSeconds <= 86_400)) {
    throw new RangeError('"renewal.pollSeconds" must be a number from 1 to 86400')
  }
  if ('hub' in options) {
    if ('over' in options) throw new TypeError('"renewal" must have "hub" or "over", not both')
    return { way: { address: parseHubUrl(options.hub) }, takeTrustAnchors: true, pollSeconds }
  }
  const { over, topicPrefix, takeTrustAnchors = false } = options
  if (over !== 'mqtt') throw new TypeError('"renewal" must have "hub", or "over" as "mqtt"')
  if (typeof topicPrefix !== 'string' || !/^[^\s+#/]+(?:\/[^\s+#/]+)*$/.test(topicPrefix)) {
    throw new TypeError('"renewal.topicPrefix" must be a topic without wildcards, and without a slash at its ends')
  }
  return { way: { topicPrefix }, takeTrustAnchors: takeTrustAnchors === true, pollSeconds }
}
