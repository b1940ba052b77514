import { type Fleet, isPkiError, type Store } from '@fleetcert/core'
import { tokenHash } from '../../src/fleet/tokens/device-token.ts'
import type { RecoveryOptions } from './check-recovery.ts'
import { isLive, isOpen } from './live-record.ts'
import type { Observations, ReturnedToken } from './observations.ts'

/** That no device was left outside: the certificate by which it asked for the next one is good, and its token is, for as long as nobody got a certificate for it. `fleet` is an observed one, `store` the real one. */
export async function checkDevicesServed(
  fleet: Fleet,
  store: Store,
  observations: Observations,
  options: RecoveryOptions,
): Promise<void> {
  for (const { deviceId, fingerprint } of observations.presented) {
    if (observations.confirmed.has(deviceId)) continue
    const { status } = await fleet.identify({ fingerprint })
    if (status === 'superseded' || status === 'unknown')
      throw new Error(`${deviceId} was stranded: it has what is ${status}`)
  }
  for (const token of [...observations.tokens]) await checkToken(fleet, store, token, observations, options)
}

/** Comes again, as the device would. */
async function checkToken(
  fleet: Fleet,
  store: Store,
  { deviceId, token, csr }: ReturnedToken,
  { closed }: Observations,
  options: RecoveryOptions,
): Promise<void> {
  try {
    const request = { csr: csr ?? options.csr(), token }
    const { fingerprint } = await fleet.enroll(deviceId, request)
    const again = await fleet.enroll(deviceId, request)
    if (again.fingerprint !== fingerprint) throw new Error(`${deviceId} was answered two certificates`)
  } catch (error) {
    if (!isPkiError(error)) throw error
    const spender = (await store.token(tokenHash(token)))?.spentBy
    const spent = spender === undefined ? undefined : await store.certificate(spender)
    // As it is now: another token may have been used meanwhile.
    const { items: ofDevice } = await store.certificates({ list: 'device', deviceId }, { limit: 1000 })
    const explained: Partial<Record<typeof error.code, boolean>> = {
      ERR_PKI_TOKEN_SPENT: spent?.state === 'issued',
      ERR_PKI_DEVICE_NOT_ACTIVE: spent?.state === 'issued',
      ERR_PKI_DEVICE_CLOSED: closed.has(deviceId) || (spent?.state === 'issued' && spent.revocation !== undefined),
      ERR_PKI_DEVICE_EXISTS: ofDevice.some(
        row => isLive(row, options.clock()) || (!options.leasesLapsed && isOpen(row)),
      ),
      ERR_PKI_ENROLLMENT_BUSY: !options.leasesLapsed && spent?.state === 'reserved',
      // Somebody revoked the key that it had sent before.
      ERR_PKI_KEY_BLOCKED: true,
    }
    if (!explained[error.code])
      throw new Error(`${deviceId}: its token was burnt for nothing, ${error.code}`, { cause: error })
  }
}
