import type { DeviceServices } from './device-services.ts'

/** When a device is to renew, and whom it is to trust. */
export interface RenewalInfoAnswer {
  readonly body: {
    readonly suggestedWindow: { readonly start: Date; readonly end: Date }
    readonly reason?: string
    /** PEM. */
    readonly trustAnchors: string
    /** `AA:BB:…` of the certificate that this is about. */
    readonly fingerprint: string
  }
  /** Until the device asks again. */
  readonly retryAfterSeconds: number
}

/**
 * What a device is told of its renewal, modelled on RFC 9773: a window, within which each device chooses its own moment. The time to ask again is spread by a fifth up and down, so that devices that were switched on together do not ask together for ever.
 */
export async function renewalInfo(
  { fleet, settings }: Pick<DeviceServices, 'fleet' | 'settings'>,
  fingerprint: string,
): Promise<RenewalInfoAnswer> {
  const { window, reason } = await fleet.renewalInfo({ fingerprint })
  return {
    body: {
      suggestedWindow: { start: window.start, end: window.end },
      ...(reason === undefined ? {} : { reason }),
      trustAnchors: fleet.trustAnchors,
      fingerprint,
    },
    retryAfterSeconds: Math.max(1, Math.round(settings.renewalInfoSeconds * (0.8 + 0.4 * Math.random()))),
  }
}
