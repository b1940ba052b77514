import type { EnforcementQueue } from '../revocation/enforcement-queue.ts'
import type { CertificateId, EndedCertificate } from '../store/store.ts'
import type { Enforcement } from './fleet.ts'

/** What a call, or a page of it, has ended so far. */
export interface Ending {
  readonly certificates: readonly CertificateId[]
  /** Whose sessions are being closed, by device id. */
  readonly devices: ReadonlyMap<string, Promise<Enforcement>>
  /** Closes sessions at once: what comes behind it in the call may fail, and what is ended stays so. */
  add(items: readonly EndedCertificate[]): void
  /** The device that somebody named: its sessions are closed before those of others. */
  addTarget(deviceId: string): void
}

export function createEnding({ silence, silenceNow }: EnforcementQueue): Ending {
  const certificates: CertificateId[] = []
  const devices = new Map<string, Promise<Enforcement>>()
  return {
    certificates,
    devices,
    add(items) {
      for (const { id, deviceId } of items) {
        certificates.push(id)
        if (deviceId !== undefined && !devices.has(deviceId)) devices.set(deviceId, silence(deviceId))
      }
    },
    addTarget(deviceId) {
      if (!devices.has(deviceId)) devices.set(deviceId, silenceNow(deviceId))
    },
  }
}
