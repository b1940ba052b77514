import { type Fleet, isPkiError, type Store } from '@fleetcert/core'
import { checkDevicesServed } from './check-devices.ts'
import { checkInvariants } from './check-invariants.ts'
import { isLive, isOpen } from './live-record.ts'
import type { Observations } from './observations.ts'

export interface RecoveryOptions {
  readonly clock: () => Date
  /** Certification requests, each of a key that nobody has revoked. */
  readonly csr: () => Uint8Array
  /** Whether the leases of the dead have run out: then nothing but a live certificate stands in a device's way. */
  readonly leasesLapsed: boolean
}

/**
 * That life goes on: every device can be enrolled, at once or once its live certificate is revoked; every leftover can be revoked and is then on the CRL; and the invariants hold all the while.
 * `fleet` is an observed one, `store` the real one.
 */
export async function checkRecovery(
  fleet: Fleet,
  store: Store,
  observations: Observations,
  options: RecoveryOptions,
): Promise<void> {
  await checkInvariants(fleet, store, observations)
  await checkDevicesServed(fleet, store, observations, options)
  const { rows } = await checkInvariants(fleet, store, observations)
  for (const deviceId of [...observations.deviceIds]) {
    const owned = [...rows.values()].filter(row => row.deviceId === deviceId)
    try {
      await fleet.enroll(deviceId, { csr: options.csr() })
      continue
    } catch (error) {
      if (!isPkiError(error, 'ERR_PKI_DEVICE_EXISTS')) throw error
      const stands = owned.some(row => isLive(row, options.clock()) || (!options.leasesLapsed && isOpen(row)))
      if (!stands)
        throw new Error(`${deviceId} cannot be enrolled, and nothing live stands in its way`, { cause: error })
    }
    await fleet.revoke(deviceId, { reason: 'cessationOfOperation' })
    await fleet.enroll(deviceId, { csr: options.csr() })
  }
  for (const row of rows.values()) {
    const isLeftover = row.state === 'reserved' || row.state === 'abandoned'
    if (isLeftover && row.revocation === undefined) {
      await fleet.revoke(row.id, { reason: 'superseded' })
    }
  }
  await fleet.issueServer({ hosts: ['broker.example'], csr: options.csr() })
  // Its CRLs list what was just revoked.
  await checkInvariants(fleet, store, observations)
}
