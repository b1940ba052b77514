import { type Fleet, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { expect, it } from 'vitest'
import { backupFleet, createBackupIdentity, restoreFleet, verifyBackup } from '../../src/backup/index.ts'
import { decodeFleetDocument, encodeFleetDocument, type FleetDocument } from '../../src/fleet/fleet-document.ts'
import { collect, inPieces } from './octets.ts'

/** Saves, and answers how it is read. */
async function backupOf(source: { store: ReturnType<typeof memoryStore>; keyring: ReturnType<typeof memoryKeyring> }) {
  const { identity, recipient } = await createBackupIdentity()
  const file = await collect(backupFleet({ ...source, recipients: [recipient] }))
  return { from: () => inPieces(file), identities: [identity] }
}
const places = () => ({ store: memoryStore(), keyring: memoryKeyring() })
const issuing = async (fleet: Fleet): Promise<string> =>
  (await Array.fromAsync(fleet.issuers())).find(({ role }) => role === 'issuingCa')?.issuerKeyId ?? ''

it('a fleet whose own root is said to be out of use, with the expected one beside it, is another fleet', async () => {
  await using genuine = await openFleet({ ...places(), background: false })
  const rootOf = genuine.trustAnchors
  for (const isBeside of [false, true]) {
    const forged = places()
    await using forger = await openFleet({ ...forged, background: false })
    const { version, ...entry } = (await forged.store.document('fleet'))!
    const { document } = decodeFleetDocument({ version, ...entry })
    const [root, ...others] = document.authorities
    const issuerKeyId = (await Array.fromAsync(genuine.issuers()))[0]!.issuerKeyId
    const beside: FleetDocument['authorities'] = [
      {
        role: 'root',
        state: 'active',
        own: { id: { issuerKeyId, serialNumber: '01' }, certificate: rootOf.replace(/-----[^-]+-----|\s/g, '') },
      },
    ]
    const authorities = [...(isBeside ? beside : []), { ...root!, state: 'retiring' as const }, ...others]
    await forged.store.putDocument('fleet', encodeFleetDocument({ ...document, authorities }), version, [])
    const backup = await backupOf(forged)
    await verifyBackup({ ...backup, trustAnchors: forger.trustAnchors + rootOf })
    await expect(verifyBackup({ ...backup, trustAnchors: rootOf })).rejects.toMatchObject({
      code: 'ERR_PKI_BACKUP',
      details: { reason: 'its root is none of those expected' },
    })
  }
})

it('a CA that was revoked after the backup is named, and ended by the call that ends CAs', async () => {
  const source = places()
  await using fleet = await openFleet({ ...source, background: false })
  const { fingerprint } = await fleet.enroll('sensor-1')
  const backup = await backupOf(source)
  const issuerKeyId = await issuing(fleet)
  await fleet.revokeIssuer(issuerKeyId)
  const [root] = await Array.fromAsync(fleet.issuers())
  const { pem } = await fleet.crl({ issuerKeyId: root!.issuerKeyId })
  const to = places()
  expect(await restoreFleet({ ...backup, ...to, revocations: [pem] })).toMatchObject({
    revocations: { merged: 1, unknown: 0 },
    revokedIssuers: [issuerKeyId],
  })
  await using restored = await openFleet({ ...to, background: false })
  const { issuingKeyId } = await restored.revokeIssuer(issuerKeyId)
  expect((await restored.identify({ fingerprint })).status).toBe('revoked')
  expect(await restored.enroll('sensor-2')).toMatchObject({ issuerKeyId: issuingKeyId })
  expect(await restoreFleet({ ...backup, ...places() })).toMatchObject({ revokedIssuers: [] })
})
