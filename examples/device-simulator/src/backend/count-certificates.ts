import type { Fleet, Store } from '@fleetcert/core'

/** What the fleet's store says of its devices' certificates. */
export interface CertificateCount {
  readonly devices: number
  /** Issued, all told. */
  readonly issued: number
  /** Neither superseded (now, or within the minute that a confirmation leaves the old one) nor revoked nor expired. */
  readonly good: number
  /** Devices with more than one good certificate: an old one was not superseded. */
  readonly withSeveralGood: readonly string[]
  /** Devices without a good certificate. */
  readonly withoutGood: readonly string[]
  /** Devices that have been renewed at least once. */
  readonly renewed: number
}

const confirmedOverlapMilliseconds = 61_000

/** Looks at every certificate of every device; services are left out. */
export async function countCertificates(fleet: Fleet, store: Store): Promise<CertificateCount> {
  const withSeveralGood: string[] = []
  const withoutGood: string[] = []
  let [devices, issued, good, renewed] = [0, 0, 0, 0]
  const now = Date.now()
  for await (const { deviceId, role } of fleet.devices()) {
    if (role !== 'device') continue
    devices += 1
    const { items } = await store.certificates({ list: 'device', deviceId }, { limit: 1000 })
    const made = items.filter(({ state }) => state === 'issued')
    const goodOnes = made.filter(
      ({ notAfter, supersededAt, revocation }) =>
        revocation === undefined &&
        notAfter.getTime() > now &&
        (supersededAt === undefined || supersededAt.getTime() > now + confirmedOverlapMilliseconds),
    )
    issued += made.length
    good += goodOnes.length
    if (made.length > 1) renewed += 1
    if (goodOnes.length > 1) withSeveralGood.push(deviceId)
    if (goodOnes.length === 0) withoutGood.push(deviceId)
  }
  return { devices, issued, good, withSeveralGood, withoutGood, renewed }
}
