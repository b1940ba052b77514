import { fileKeyring, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { expect, test } from 'vitest'

test('a misspelt passphrase does not make keys in the clear', () => {
  expect(() => fileKeyring('certs', { password: 'secret' } as never)).toThrow(
    new TypeError('fileKeyring: there is no "password"; expected any of passphrase, access'),
  )
  expect(() => fileKeyring('certs', 'secret' as never)).toThrow(TypeError)
})

test('what a request or the options do not know is refused before anything is done', async () => {
  const parts = { store: memoryStore(), keyring: memoryKeyring(), background: false }
  await expect(openFleet({ ...parts, organisation: 'Example' } as never)).rejects.toThrow('there is no "organisation"')
  const fleet = await openFleet(parts)
  await expect(fleet.enroll('device-1', { ownr: 'alice' } as never)).rejects.toThrow('there is no "ownr"')
  await expect(fleet.enroll('device-1', 'alice' as never)).rejects.toThrow('enroll: expected an object')
  await expect(fleet.createToken({ deviceId: 'device-1', ttl: 60 } as never)).rejects.toThrow('there is no "ttl"')
  expect(await fleet.device('device-1')).toBeUndefined()
  await fleet.enroll('device-1')
  await expect(fleet.renew('device-1', { overlap: 0 } as never)).rejects.toThrow('there is no "overlap"')
  const server = await fleet.issueServer({ hosts: ['localhost'] })
  const pin = fleet.register('device-3', server.certificate, { ownr: 'alice' } as never)
  await expect(pin).rejects.toThrow('there is no "ownr"')
  expect(await fleet.device('device-3')).toBeUndefined()
  const misspelt = fleet.issueServer({ hosts: ['localhost'], validity: 60 } as never)
  await expect(misspelt).rejects.toThrow('there is no "validity"')
  // Without a filter a schedule is for all devices.
  const times = { from: new Date(), to: new Date(Date.now() + 3_600_000) }
  await expect(fleet.scheduleRenewals({ ...times, deviceId: 'device-1' } as never)).rejects.toThrow(
    'there is no "deviceId"',
  )
  await expect(fleet.scheduleRenewals('device-1' as never)).rejects.toThrow('scheduleRenewals: expected an object')
  expect(await fleet.renewalSchedules()).toEqual([])
  const { fingerprint } = await fleet.enroll('device-2')
  await expect(fleet.confirm('device-2', { fingerprint, overlap: 0 } as never)).rejects.toThrow('there is no "overlap"')
  await fleet.close()
})
