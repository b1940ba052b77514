import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import type { PendingCredential, StoredCredential } from '../../src/identity/identity-state.ts'
import { makePendingKey } from '../../src/identity/pending-key.ts'

/** A fleet in memory. */
export function openTestFleet(options: Partial<Parameters<typeof openFleet>[0]> = {}): Promise<Fleet> {
  return openFleet({ store: memoryStore(), keyring: memoryKeyring(), background: false, ...options })
}

/** The first credential of a device. */
export async function firstCredential(fleet: Fleet, deviceId: string): Promise<StoredCredential> {
  const { privateKey, csr } = await makePendingKey(deviceId)
  const { certificate, chain, trustAnchors } = await fleet.enroll(deviceId, { csr })
  return { certificate: certificate + chain, privateKey, trustAnchors }
}

/** A renewal as far as the hub's answer. */
export async function renewedCredential(
  fleet: Fleet,
  deviceId: string,
): Promise<Required<Omit<PendingCredential, 'failures'>>> {
  const { privateKey, csr } = await makePendingKey(deviceId)
  const { certificate, chain, trustAnchors } = await fleet.renew(deviceId, { csr })
  return { certificate: certificate + chain, privateKey, csr, trustAnchors }
}
