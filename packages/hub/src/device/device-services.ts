import type { Fleet } from '@fleetcert/core'
import type { HubOptions } from '../hub.ts'
import { type DeviceOptions, type DeviceSettings, deviceSettings } from './device-options.ts'
import { createGate, type Gate } from './gate.ts'

/** What serving devices takes, over whichever protocol. */
export interface DeviceServices {
  readonly fleet: Fleet
  readonly broker: HubOptions['broker']
  readonly clock: () => Date
  readonly settings: DeviceSettings
  /** Strangers come through this one, and cannot keep the fleet's own devices out of the other. */
  readonly enrolments: Gate
  readonly renewals: Gate
}

/** @throws TypeError, RangeError for options that cannot work */
export function createDeviceServices(parts: {
  readonly fleet: Fleet
  readonly broker: HubOptions['broker']
  readonly clock?: (() => Date) | undefined
  readonly device?: DeviceOptions | undefined
}): DeviceServices {
  const { fleet, broker, clock = () => new Date() } = parts
  const settings = deviceSettings(parts.device)
  return {
    fleet,
    broker: { ...broker },
    clock,
    settings,
    enrolments: createGate(settings.maximumConcurrent),
    renewals: createGate(settings.maximumConcurrent),
  }
}
