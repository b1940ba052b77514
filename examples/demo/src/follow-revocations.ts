import type { Cursor, Fleet } from '@fleetcert/core'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'

/** The newest entry's cursor: what comes behind it has not happened yet. */
export async function ledgerEnd(fleet: Fleet): Promise<Cursor> {
  let end: Cursor = ''
  for await (const { cursor } of fleet.events({ follow: false })) end = cursor
  return end
}

/** Writes `crl.pem` anew and tells the broker, whenever a certificate is revoked, held or released behind `after`. Resolves once it is aborted. */
export async function followRevocations(
  parts: { readonly fleet: Fleet; readonly broker: DemoBroker; readonly folder: FleetFolder },
  after: Cursor,
  signal: AbortSignal,
): Promise<void> {
  const { fleet, broker, folder } = parts
  for await (const { type } of fleet.events({ after, signal })) {
    if (type !== 'revoked' && type !== 'held' && type !== 'released') continue
    await folder.writeCrls(fleet)
    await broker.crlChanged()
  }
}
